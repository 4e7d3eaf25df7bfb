"""Encoders: each reads the values of one field and makes a block of a tensor of them."""

from serving.contract.encoders.array import NumberArray
from serving.contract.encoders.category import Category
from serving.contract.encoders.date import Date
from serving.contract.encoders.encoder import Encoder
from serving.contract.encoders.image import Picture
from serving.contract.encoders.number import Number
from serving.contract.encoders.raw import Raw
from serving.contract.encoders.tags import Tags
from serving.contract.encoders.text import Text

ENCODERS: dict[str, type[Encoder]] = {
    it.kind: it for it in (Number, Category, Tags, Date, Text, Picture, NumberArray, Raw)
}
"""The kinds that every installation has, by the names that contracts have for them."""

__all__ = ["ENCODERS", "Category", "Date", "Encoder", "Number", "NumberArray", "Picture", "Raw", "Tags", "Text"]
