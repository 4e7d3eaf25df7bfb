"""The forms that all dashboards share: a line for each series, a single number, rows, and the variables at the top.

A query is PromQL and the legend of its series. Rates are taken over `$__rate_interval`, which Grafana sets to at least
four scrapes.
"""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase

from grafana_foundation_sdk.builders.common import (
    GraphThresholdsStyleConfig,
    StackingConfig,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
    ThresholdsConfig,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models.common import (
    BigValueGraphMode,
    GraphTresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

Query = tuple[str, str]
"""PromQL and legend."""

_SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
_WIDTH = 24


def lines(title: str, description: str, unit: str, *queries: Query, limit: float | None = None) -> TimeSeries:
    """Draw a line for each series; a dashed one at *limit*, which an alert is about."""
    panel = _line_panel(title, description, unit, queries).fill_opacity(8)
    if limit is not None:
        steps = [Threshold(color="transparent"), Threshold(value=limit, color="red")]
        panel.thresholds(ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
        panel.thresholds_style(GraphThresholdsStyleConfig().mode(GraphTresholdsStyleMode.DASHED))
    return panel


def layers(
    title: str, description: str, unit: str, *queries: Query, colors: Mapping[str, str] | None = None
) -> TimeSeries:
    """Draw series that add up to a whole on top of each other; *colors* by regular expressions for their legends."""
    panel = _line_panel(title, description, unit, queries).fill_opacity(40)
    for pattern, color in (colors or {}).items():
        fixed = DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": color})
        panel.override_by_regexp(f"/{pattern}/", [fixed])
    return panel.stacking(StackingConfig().mode(StackingMode.NORMAL))


def number(
    title: str, description: str, unit: str, query: Query, warn: float | None = None, alarm: float | None = None
) -> Stat:
    """Show the newest value, yellow from *warn* and red from *alarm* on."""
    steps = [Threshold(color="green")]
    steps += [Threshold(value=at, color=color) for at, color in ((warn, "yellow"), (alarm, "red")) if at is not None]
    panel = Stat().title(title).description(description).unit(unit).datasource(_SOURCE)
    panel.with_target(_target(query, "A")).graph_mode(BigValueGraphMode.AREA).height(4)
    return panel.thresholds(ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))


def board(uid: str, title: str, description: str, variables: Sequence[QueryVariable]) -> Dashboard:
    """Begin a dashboard; *uid* is its file's name too, and stays when the title changes."""
    source = DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    others = DashboardLink("Plumbline").type(DashboardLinkType.DASHBOARDS).tags(["plumbline"]).keep_time(True)
    begun = Dashboard(f"Plumbline / {title}").uid(uid).description(description).tags(["plumbline"])
    begun.readonly().refresh("30s").time("now-1h", "now").with_variable(source).link(others.as_dropdown(True))
    for variable in variables:
        begun.with_variable(variable)
    return begun


def section(begun: Dashboard, title: str, *panels: TimeSeries | Stat) -> None:
    """Add a row of *panels*, equally wide, under its *title*."""
    begun.with_row(Row(title))
    for panel in panels:
        begun.with_panel(panel.span(_WIDTH // len(panels)))


def variable(name: str, query: str, label: str, *, several: bool) -> QueryVariable:
    """Let people choose among what Prometheus has."""
    choice = QueryVariable(name).label(label).query(query).datasource(_SOURCE).sort(VariableSort.ALPHABETICAL_ASC)
    choice.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    if several:
        choice.multi(True).include_all(True).all_value(".*")
        choice.current(VariableOption(selected=True, text="All", value="$__all"))
    return choice


def model(*, several: bool) -> QueryVariable:
    """Let people choose among the models that the gateways serve."""
    return variable("model", "label_values(plumbline_gateway_model_ready, model)", "Model", several=several)


def quantile(share: float, histogram: str, by: str, selector: str = "") -> str:
    """Return PromQL for a quantile of *histogram* for each value of the labels *by*."""
    return f"histogram_quantile({share}, sum by ({by}, le) (rate({histogram}_bucket{{{selector}}}[$__rate_interval])))"


def mean(histogram: str, by: str, selector: str = "") -> str:
    """Return PromQL for a histogram's mean for each value of the labels *by*."""
    total, count = (
        f"sum by ({by}) (rate({histogram}_{part}{{{selector}}}[$__rate_interval]))" for part in ("sum", "count")
    )
    return f"{total} / {count}"


def _line_panel(title: str, description: str, unit: str, queries: Sequence[Query]) -> TimeSeries:
    panel = TimeSeries().title(title).description(description).unit(unit).datasource(_SOURCE).height(8)
    for ref, query in zip(ascii_uppercase, queries, strict=False):
        panel.with_target(_target(query, ref))
    legend = VizLegendOptions().show_legend(True).display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    panel.legend(legend).tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    return panel.line_width(1).axis_soft_min(0)


def _target(query: Query, ref: str) -> Dataquery:
    expr, legend = query
    return Dataquery().expr(expr).legend_format(legend).ref_id(ref).range()
