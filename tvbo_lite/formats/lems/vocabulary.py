"""The attributes that each element of the LEMS language may have, and which elements hold no others.

Source: jLEMS's ``LemsFactory``, the LEMS 0.7.6 schema (``min`` and ``max``). jLEMS skips others with a
line in its log. ``description`` is allowed everywhere; attributes in namespaces are not LEMS's.
"""

from __future__ import annotations

__all__ = ["ATTRIBUTES", "LEAVES"]

_EVERYWHERE = "description"
_DIMENSIONED = "name dimension"
_REFERENCE = "name type root isAny local required defaultComponent"

ATTRIBUTES: dict[str, frozenset[str]] = {
    name: frozenset(f"{attributes} {_EVERYWHERE}".split())
    for name, attributes in {
        "Target": "component reportFile timesFile",
        "Include": "file",
        "include": "href",
        "Dimension": "name m l t i k n j",
        "Unit": "name symbol dimension power scale offset",
        "Constant": "name symbol value dimension",
        "Assertion": "dimension matches",
        "ComponentType": "name extends id standalone",
        "Parameter": f"{_DIMENSIONED} exposure",
        "IndexParameter": f"{_DIMENSIONED} exposure",
        "DerivedParameter": f"{_DIMENSIONED} select value",
        "Fixed": "parameter value",
        "Property": f"{_DIMENSIONED} defaultValue",
        "Requirement": _DIMENSIONED,
        "Exposure": _DIMENSIONED,
        "ComponentRequirement": "name type",
        "InstanceRequirement": "name type",
        "Text": "name",
        "Path": "name",
        "Link": _REFERENCE,
        "ComponentReference": _REFERENCE,
        "Child": "name type substitute min max",
        "Children": "name type min max",
        "Attachments": "name type compClass",
        "EventPort": "name direction",
        "Dynamics": "name simultaneous",
        "StateVariable": f"{_DIMENSIONED} exposure",
        "TimeDerivative": "variable value",
        "StateAssignment": "variable value",
        "DerivedVariable": f"{_DIMENSIONED} exposure value select reduce required",
        "ConditionalDerivedVariable": f"{_DIMENSIONED} exposure required",
        "Case": "name condition value",
        "OnStart": "",
        "OnEntry": "",
        "OnCondition": "test",
        "OnEvent": "port",
        "EventOut": "port",
        "Regime": "name initial",
        "Transition": "regime",
        "KineticScheme": (
            "name nodes edges stateVariable edgeSource edgeTarget forwardRate reverseRate dependency step"
        ),
        "Structure": "",
        "MultiInstantiate": "number indexVariable component componentType",
        "CoInstantiate": "at component componentType",
        "ChildInstance": "component componentType",
        "ForEach": "instances as",
        "With": "instance list index as",
        "Tunnel": "name endA endB expose as componentA componentB",
        "Assign": "property value exposeAs",
        "If": "test",
        "EventConnection": "from to delay receiver receiverContainer sourcePort targetPort",
        "Simulation": "",
        "Run": "component variable increment total",
        "Record": "quantity timeScale scale color destination",
        "EventRecord": "quantity eventPort",
        "DataDisplay": "title dataRegion",
        "DataWriter": "id path fileName",
        "EventWriter": "id path fileName format",
    }.items()
}

_LEAVES = """
Target Include include Dimension Unit Constant Assertion Parameter IndexParameter DerivedParameter Fixed
Property Requirement Exposure ComponentRequirement InstanceRequirement Text Path Link ComponentReference
Child Children Attachments EventPort StateVariable TimeDerivative StateAssignment DerivedVariable Case
EventOut Transition KineticScheme Assign Run Record EventRecord DataDisplay DataWriter EventWriter
"""
LEAVES = frozenset(_LEAVES.split())
"""Elements that hold no others, but for prose."""
