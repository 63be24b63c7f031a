"""The manifests are valid by Kubernetes's own schemas, and say what is so: names, commands, settings, rights."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml
from deploying import INFRA, check_started, unknown_variables

FOLDER = INFRA / "kubernetes"
OLDEST = "1.30"
KUSTOMIZATIONS = [FOLDER, FOLDER / "prefect-server"]


def objects(text: str) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(text) if one]


def manifests() -> Iterator[Any]:
    """Every object of every file that is applied, named by kind and name."""
    for path in sorted(FOLDER.rglob("*.yaml")):
        if path.name != "kustomization.yaml":
            for one in objects(path.read_text("utf-8")):
                yield pytest.param(one, id=f"{one['kind']}-{one['metadata']['name']}")


OBJECTS = [param.values[0] for param in manifests()]
WORKLOADS = [one for one in OBJECTS if one["kind"] in ("Deployment", "Job")]
BY_NAME = {(one["kind"], one["metadata"]["name"]): one for one in OBJECTS}
SETTINGS = dict(line.split("=", 1) for line in (FOLDER / "settings.env").read_text("utf-8").splitlines())


def workloads() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("workload", WORKLOADS, ids=lambda one: one["metadata"]["name"])


def containers(workload: dict[str, Any]) -> list[dict[str, Any]]:
    pod = workload["spec"]["template"]["spec"]
    return [*pod.get("initContainers", []), *pod["containers"]]


@pytest.mark.parametrize("manifest", [*manifests()])
@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
def test_a_manifest_is_valid(manifest: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("folder", KUSTOMIZATIONS, ids=lambda folder: folder.name)
def test_a_kustomization_names_files_that_exist(folder: Any) -> None:
    told = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))
    generated = [env for one in told.get("configMapGenerator", []) for env in one["envs"]]
    assert [name for name in [*told["resources"], *generated] if not (folder / name).exists()] == []


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl builds kustomizations")
@pytest.mark.parametrize("folder", KUSTOMIZATIONS, ids=lambda folder: folder.name)
def test_a_kustomization_builds_and_what_it_builds_is_valid(folder: Any) -> None:
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=True)
    built = objects(done.stdout)
    for one in built:
        kubernetes_validate.validate(one, kubernetes_validate.latest_version(), strict=True)
    images = {
        container["image"] for one in built if one["kind"] in ("Deployment", "Job") for container in containers(one)
    }
    assert images == {"storyfold:0.1.0"}


@workloads()
def test_a_workload_has_no_rights_that_it_does_not_need(workload: dict[str, Any]) -> None:
    pod = workload["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 10001
    assert not pod["automountServiceAccountToken"] and not pod["enableServiceLinks"]
    for container in containers(workload):
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"] and not rights["allowPrivilegeEscalation"]
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"] and container["resources"]["requests"]["cpu"]


@workloads()
def test_a_workload_runs_commands_that_exist_with_settings_that_exist(workload: dict[str, Any]) -> None:
    for container in containers(workload):
        check_started(container["args"])
        named = {one["name"] for one in container.get("env", [])}
        for source in container["envFrom"]:
            if "secretRef" in source:
                named |= set(BY_NAME["Secret", source["secretRef"]["name"]]["stringData"])
            else:
                assert source["configMapRef"]["name"] == "storyfold"
                named |= set(SETTINGS)
        assert unknown_variables(named) == set()


@workloads()
def test_what_is_mounted_is_there(workload: dict[str, Any]) -> None:
    volumes = {one["name"]: one for one in workload["spec"]["template"]["spec"]["volumes"]}
    for container in containers(workload):
        mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}
        assert "emptyDir" in mounts["/tmp"]
    for one in volumes.values():
        if "persistentVolumeClaim" in one:
            assert ("PersistentVolumeClaim", one["persistentVolumeClaim"]["claimName"]) in BY_NAME
        if "configMap" in one:
            assert ("ConfigMap", one["configMap"]["name"]) in BY_NAME


def test_selectors_find_their_pods() -> None:
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in WORKLOADS]
    for one in OBJECTS:
        selector = one.get("spec", {}).get("selector")
        if one["kind"] != "Job" and selector:
            assert sum(selector.get("matchLabels", selector).items() <= found.items() for found in labels) == 1


def test_nothing_but_examples_holds_secrets() -> None:
    kept = [path.name for path in FOLDER.rglob("*.yaml") if "kind: Secret" in path.read_text("utf-8")]
    assert kept == ["secret.example.yaml"]
    assert "secret.example.yaml" not in (FOLDER / "kustomization.yaml").read_text("utf-8")
