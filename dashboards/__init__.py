"""What is generated into k8s/monitoring: Grafana dashboards from Python, and the PrometheusRule from rules/*.yaml."""
