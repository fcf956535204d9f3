"""YAML files, read safely, each key once."""

from pathlib import Path
from typing import Any

import yaml

from symlearn.errors import ConfigError


def read_yaml(path: Path) -> Any:
    """What a YAML file holds; raises ConfigError where it is none, or holds a key twice.

    YAML itself would silently take the second of two equal keys.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _EachKeyOnce)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path}: cannot be read as YAML: {reason}") from None


class _EachKeyOnce(yaml.CSafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key, _ in node.value:
            if keys.count(key.value) > 1 and key.value != "<<":
                problem = f"the key {key.value!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        return super().construct_mapping(node, deep)
