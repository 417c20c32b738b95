"""The requests of Search and GetSearchSuggestions, as typed objects.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Search.html
"""

from typing import Self

from preflight.sagemaker.api.shape import Shape, Structure


class Filter(Shape):
    name: str
    operator: str = "Equals"
    value: str | None = None


class NestedFilters(Shape):
    """One item of the list ``nested_property_name`` must pass all ``filters``."""

    nested_property_name: str
    filters: tuple[Filter, ...]


class SearchExpression(Shape):
    filters: tuple[Filter, ...] = ()
    nested_filters: tuple[NestedFilters, ...] = ()
    sub_expressions: tuple[Structure, ...] = ()  # as they were asked for: a Shape does not hold itself
    operator: str = "And"

    @property
    def below(self) -> tuple[Self, ...]:
        """Its subexpressions."""
        return tuple(self.model_validate(each) for each in self.sub_expressions)

    def all_levels(self) -> tuple[Self, ...]:
        """It, and those below it."""
        return (self, *(each for one in self.below for each in one.all_levels()))


class Search(Shape):
    resource: str
    search_expression: SearchExpression | None = None
    sort_by: str = "LastModifiedTime"
    sort_order: str = "Descending"
    next_token: str | None = None
    max_results: int = 10
    cross_account_filter_option: str = "SameAccount"


class PropertyNameQuery(Shape):
    property_name_hint: str


class SuggestionQuery(Shape):
    property_name_query: PropertyNameQuery | None = None


class GetSearchSuggestions(Shape):
    resource: str
    suggestion_query: SuggestionQuery | None = None
