"""The software bill of materials of an image, in CycloneDX 1.6 JSON: its Debian and its Python packages."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from tests.image.images import Image
from tests.image.packages import Package, compiled_python, debian_packages, debian_release, python_packages

OURS = "workspace-operator"


def bill_of_materials(image: Image) -> str:
    """The document as JSON text; for one image it is always the same but for the time."""
    packages = [*debian_packages(image), *compiled_python(image), *python_packages(image)]
    release = debian_release(image)
    components = {(package.ecosystem, package.name): _component(package, release) for package in packages}
    whole = Component(
        type=ComponentType.CONTAINER,
        name=image.labels["org.opencontainers.image.title"],
        version=image.labels["org.opencontainers.image.version"],
        bom_ref=f"image:{image.id}",
        licenses=[LicenseFactory().make_from_string(image.labels["org.opencontainers.image.licenses"])],
    )
    bom = Bom(components=components.values(), serial_number=uuid5(NAMESPACE_URL, f"sha256:{image.id}"))
    bom.metadata.component = whole
    bom.metadata.timestamp = datetime.now(UTC)
    bom.register_dependency(whole, components.values())
    for package in packages:
        bom.register_dependency(components[package.ecosystem, package.name], _needed(package, components))
    return JsonV1Dot6(bom).output_as_string(indent=2)


def package_url(package: Package, release: str) -> PackageURL:
    """Its name across tools (package URL specification, the types deb, generic and pypi)."""
    if package.ecosystem == "deb":
        qualifiers = {"arch": package.architecture, "distro": release}
        return PackageURL("deb", "debian", package.name, package.version, qualifiers)
    return PackageURL(package.ecosystem, None, package.name, package.version)


def _component(package: Package, release: str) -> Component:
    url = package_url(package, release)
    return Component(
        type=ComponentType.APPLICATION if package.name == OURS else ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        purl=url,
        bom_ref=url.to_string(),
        licenses=[LicenseFactory().make_from_string(package.licence)] if package.licence else (),
    )


def _needed(package: Package, components: dict[tuple[str, str], Component]) -> Iterable[Component]:
    """What of its dependencies is in the image, without itself."""
    names = sorted(package.needs - {package.name})
    return [components[package.ecosystem, name] for name in names if (package.ecosystem, name) in components]
