"""The few kinds of panels that the dashboards consist of, and what all of them share."""

from dataclasses import dataclass, field
from typing import Optional

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import prometheus as prometheus_models

SOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")


@dataclass
class Query:
    """A query and how its series are called."""

    expr: str
    legend: str = "__auto"
    exemplars: bool = False


@dataclass
class Column:
    """A column of a table: a label or `Value`, its heading, and how it is shown."""

    source: str
    heading: str
    width: Optional[int] = None
    unit: Optional[str] = None
    wrap: bool = False


@dataclass
class Scale:
    """Colours: green, from `warning` on orange, from `critical` on red."""

    warning: Optional[float] = None
    critical: Optional[float] = None
    below: str = "green"

    def build(self) -> builders.ThresholdsConfig:
        steps = [dashboard.Threshold(value=None, color=self.below)]
        if self.warning is not None:
            steps.append(dashboard.Threshold(value=self.warning, color="orange"))
        if self.critical is not None:
            steps.append(dashboard.Threshold(value=self.critical, color="red"))
        return builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)


def _target(query: Query, ref: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().ref_id(ref).expr(query.expr).datasource(SOURCE).legend_format(query.legend)


def _refs(queries: list[Query]) -> list[tuple[str, Query]]:
    return [(chr(ord("A") + i), query) for i, query in enumerate(queries)]


def lines(
    title: str, description: str, unit: str, *queries: Query, width: int = 12, height: int = 8, stack: bool = False
) -> timeseries.Panel:
    """Series over time."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .span(width)
        .height(height)
        .unit(unit)
        .min(0)
        .line_width(1)
        .fill_opacity(40 if stack else 10)
        .show_points(common.VisibilityMode.AUTO)
        .legend(
            common_builders.VizLegendOptions()
            .show_legend(True)
            .display_mode(common.LegendDisplayMode.TABLE)
            .placement(common.LegendPlacement.RIGHT if width > 12 else common.LegendPlacement.BOTTOM)
            .calcs(["lastNotNull", "max"])
        )
        .tooltip(
            common_builders.VizTooltipOptions()
            .mode(common.TooltipDisplayMode.MULTI)
            .sort(common.SortOrder.DESCENDING)
        )
    )
    if stack:
        panel = panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A"))
    for ref, query in _refs(list(queries)):
        panel = panel.with_target(_target(query, ref).range().exemplar(query.exemplars))
    return panel


def number(
    title: str,
    description: str,
    unit: str,
    query: Query,
    width: int = 4,
    scale: Scale = Scale(),
    none: str = "0",
    words: Optional[dict[str, tuple[str, str]]] = None,
) -> stat.Panel:
    """One number now; `none` where there is no series, `words` (text and colour) instead of single values."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .span(width)
        .height(4)
        .unit(unit)
        .no_value(none)
        .thresholds(scale.build())
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_target(query, "A").instant())
    )
    if words is not None:
        options = {
            value: dashboard.ValueMappingResult(text=text, color=color) for value, (text, color) in words.items()
        }
        panel = panel.mappings([dashboard.ValueMap(options=options)])
    return panel


@dataclass
class Rows:
    """What a table shows: one query, or several that are joined on their common labels."""

    queries: list[Query]
    columns: list[Column]
    # Heading by which it is sorted, largest first.
    sort: str
    scales: dict[str, Scale] = field(default_factory=dict)


def rows(title: str, description: str, what: Rows, width: int = 24, height: int = 9) -> table.Panel:
    """A table of what is so now."""
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .span(width)
        .height(height)
        .show_header(True)
        .filterable(True)
        .cell_height(common.TableCellHeight.SM)
        .sort_by([common_builders.TableSortByFieldState().display_name(what.sort).desc(True)])
    )
    for ref, query in _refs(what.queries):
        panel = panel.with_target(
            _target(query, ref).instant().format(prometheus_models.PromQueryFormat.TABLE)
        )
    if len(what.queries) > 1:
        panel = panel.with_transformation(dashboard.DataTransformerConfig(id_val="merge", options={}))
    # Columns that are not named do not show: the labels of a series may become more.
    panel = panel.with_transformation(
        dashboard.DataTransformerConfig(
            id_val="filterFieldsByName",
            options={"include": {"names": [column.source for column in what.columns]}},
        )
    ).with_transformation(
        dashboard.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {},
                "indexByName": {column.source: i for i, column in enumerate(what.columns)},
                "renameByName": {column.source: column.heading for column in what.columns},
            },
        )
    )
    for column in what.columns:
        properties: list[dashboard.DynamicConfigValue] = []
        if column.width is not None:
            properties.append(dashboard.DynamicConfigValue(id_val="custom.width", value=column.width))
        if column.unit is not None:
            properties.append(dashboard.DynamicConfigValue(id_val="unit", value=column.unit))
        if column.wrap:
            cell = {"type": "auto", "wrapText": True}
            properties.append(dashboard.DynamicConfigValue(id_val="custom.cellOptions", value=cell))
        if properties:
            panel = panel.override_by_name(column.heading, properties)
    return panel


def variable(
    name: str, label: str, query: str, description: str, everything: Optional[str] = None
) -> builders.QueryVariable:
    """A choice of several values of a label; all of them to begin with."""
    chosen = dashboard.VariableOption(selected=True, text="All", value="$__all")
    made = (
        builders.QueryVariable(name)
        .label(label)
        .description(description)
        .datasource(SOURCE)
        .query(query)
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .current(chosen)
    )
    return made if everything is None else made.all_value(everything)


def sheet(uid: str, title: str, description: str) -> builders.Dashboard:
    """A dashboard with what all of them have: the data source, the job, links to the others."""
    return (
        builders.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["errtally"])
        .readonly()
        .timezone("browser")
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .time("now-6h", "now")
        .refresh("1m")
        .link(
            builders.DashboardLink("errtally")
            .type(dashboard.DashboardLinkType.DASHBOARDS)
            .tags(["errtally"])
            .keep_time(True)
            .include_vars(True)
        )
        .with_variable(
            builders.DatasourceVariable("datasource").label("Data source").type("prometheus")
        )
        .with_variable(
            variable("job", "Job", "label_values(errtally_build_info, job)", "Jobs of Prometheus that are an errtally.")
        )
    )
