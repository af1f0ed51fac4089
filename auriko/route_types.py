"""Routing options and metadata under the import path that the published package has."""

from auriko.models.routing import (
    CostInfo,
    RoutingMetadata,
    StructuredWarning,
    StructuredWarningType,
    parse_routing_metadata,
)
from auriko.routing import (
    DataPolicy,
    GatewayOptions,
    MetricPercentile,
    Mode,
    Optimize,
    RoutingOptions,
    merge_gateway_extra_body,
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
    "StructuredWarningType",
    "merge_gateway_extra_body",
    "parse_routing_metadata",
]
