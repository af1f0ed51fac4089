"""The names of `auriko.routing` under the import path that the published package has."""

from auriko.routing import (
    CostInfo,
    DataPolicy,
    GatewayOptions,
    MetricPercentile,
    Mode,
    Optimize,
    RoutingMetadata,
    RoutingOptions,
    StructuredWarning,
    parse_routing_metadata,
)

__all__ = [
    "CostInfo",
    "DataPolicy",
    "GatewayOptions",
    "MetricPercentile",
    "Mode",
    "Optimize",
    "RoutingMetadata",
    "RoutingOptions",
    "StructuredWarning",
    "parse_routing_metadata",
]
