"""`make proxy-data`: makes two stand-ins for BioVid from two open data sets of real people, in BioVid's own layout.

A and B show different people: settings are chosen on A, and results are reported on B. A stopped run goes on where it
was. It is no pain data: photographs of neutral faces turn into those of the same people smiling, beside ECGs of others.
Beside each half it leaves links to the photographs of everybody who is not in it, for stage 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from experiments.command import main
from painlit.config import CLASS_NAMES, Config


@dataclass(frozen=True)
class ProxyDataResult:
    """The result of `make proxy-data`."""

    roots: dict[str, Path]
    """Half -> its folder in BioVid's layout."""


def run(config: Config) -> ProxyDataResult:
    """Make the halves, or what is missing of them.

    Raises:
        PainlitError: As `make_half`; people of all halves are looked up before anything is made.
    """
    from data_modules.proxy.beside import make_beside
    from data_modules.proxy.halves import make_half, subjects_of
    from painlit.config import ClipConfig
    from painlit.system.progress import progress_bar

    proxy, roots = config.proxy, {}
    for half in proxy.halves:
        subjects_of(config, half, ClipConfig())
    for half in proxy.halves:
        total = proxy.subjects * proxy.clips_per_class * len(CLASS_NAMES)
        with progress_bar(f"make the clips of proxy {half}", total=total) as advance:
            roots[half] = make_half(config, half, advance)
        make_beside(config, half)
    print("It is no pain data: no figure measured on it says anything about pain. README.txt in each has the credits.")
    for half, root in roots.items():
        use = "choose settings on it" if half == "A" else "report results on it"
        print(f"  {half}: {root}, {proxy.subjects} people; {use}")
    half, root = next(iter(roots.items()))
    print(f'next: make prepare ARGS="config=experiments/proxy.yaml data.root={root} data.name=proxy-{half}"')
    return ProxyDataResult(roots)


if __name__ == "__main__":
    main("proxy-data")
