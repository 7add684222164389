"""What the Java machine says where Aurora comes upon nothing, which it mostly does not check.

A machine of Java 15 or later says what it could not do with it. Where Aurora checks, it has no
words of its own.
"""

from typing import Any

from reconciler.standin.refusal import Refusal
from reconciler.thrift.structs import ResponseCode, ThriftStruct, Union

_GEN = "org.apache.aurora.gen"
_WRAPPERS = "org.apache.aurora.scheduler.storage.entities"


def _of_argument(call: str, number: int = 1) -> str:
    return f'Cannot invoke "{call}" because "<parameter{number}>" is null'


def _of_value(call: str, source: str) -> str:
    return f'Cannot invoke "{call}" because the return value of "{source}" is null'


# --- arguments of calls

NO_JOB_KEY = _of_argument(f"{_GEN}.JobKey.getRole()")
NO_INSTANCE_KEY = _of_argument(f"{_GEN}.InstanceKey.getJobKey()")
NO_UPDATE_KEY = _of_argument(f"{_GEN}.JobUpdateKey.isSetJob()")
NO_JOB = _of_argument(f"{_GEN}.JobConfiguration.isSetKey()")
NO_TASK = _of_argument(f"{_GEN}.TaskConfig.isSetJob()")
NO_QUERY = _of_argument(f"{_GEN}.TaskQuery.isSetStatuses()")
NO_HOSTS = _of_argument(f"{_GEN}.Hosts.getHostNamesSize()")
NO_REQUEST = 'Cannot read field "__isset_bitfield" because "<parameter1>" is null'

# --- what is in them

_EACH = "java.util.Set.forEach(java.util.function.Consumer)"

NO_NAMES_TO_MARK = _of_argument("java.util.Set.iterator()", 2)
NO_NAMES_TO_DRAIN = _of_argument(_EACH, 2)
NO_NAMES_TO_FREE = _of_argument(_EACH)
NO_TASK_TO_ASK = _of_value(
    f"{_GEN}.TaskConfig.isIsService()", f"{_GEN}.JobUpdateRequest.getTaskConfig()"
)
NO_SETTINGS = _of_value(
    f"{_WRAPPERS}.IJobUpdateSettings.getUpdateOnlyTheseInstances()",
    f"{_WRAPPERS}.IJobUpdateRequest.getSettings()",
)
NO_SIZES = _of_value(
    "java.util.List.stream()", f"{_GEN}.VariableBatchJobUpdateStrategy.getGroupSizes()"
)
NO_RESOURCES = _of_value("java.util.Set.size()", f"{_GEN}.ResourceAggregate.getResources()")
NO_EXECUTOR = _of_value(
    f"{_GEN}.ExecutorConfig.unsetData()", f"{_GEN}.TaskConfig.getExecutorConfig()"
)
NO_NAME = _of_value("String.equals(Object)", f"{_WRAPPERS}.IConstraint.getName()")
NO_CONSTRAINT = _of_argument(f"{_WRAPPERS}.ITaskConstraint.getSetField()")


def check_unions(value: Any) -> None:
    """Raise Refusal for the first union in a value of which nothing is set that Aurora knows.

    It wraps whatever it is sent before it looks at any of it, and cannot wrap that.
    """
    if isinstance(value, tuple):
        for item in value:
            check_unions(item)
    elif isinstance(value, ThriftStruct | Union):
        members = [getattr(value, name) for name in value.__struct_fields__]
        if isinstance(value, Union) and all(member is None for member in members):
            kind = type(value).__name__
            told = _of_value(
                f"{_GEN}.{kind}$_Fields.ordinal()", f"{_WRAPPERS}.I{kind}.getSetField()"
            )
            raise Refusal(told, ResponseCode.ERROR)
        for member in members:
            check_unions(member)
