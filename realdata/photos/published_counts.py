"""Photos counted against the published numbers of CounterAnimal."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from realdata.photos.folders import GROUPS, Photo


def differences(photos: Sequence[Photo], classes: pd.DataFrame) -> list[str]:
    """Where a folder's photos are not as many as Fig. 3 says, or on another background; nothing for another set.

    A folder is taken for CounterAnimal if most of its classes are, with a background that is published for them.

    Args:
        photos: of the folder.
        classes: the published table of classes.
    """
    published = classes.astype({"imagenet_index": int}).set_index("imagenet_index")
    backgrounds: dict[tuple[int, str], set[str]] = {}
    for photo in photos:
        backgrounds.setdefault((photo.class_index, photo.group), set()).add(photo.background)
    alike = {
        index
        for index, group in backgrounds
        if index in published.index and published.at[index, f"{group}_background"] in backgrounds[index, group]
    }
    if 2 * len(alike) <= len({index for index, _ in backgrounds}):
        return []
    counted = Counter((photo.class_index, photo.group) for photo in photos)
    found = []
    for index, row in published.iterrows():
        label = str(row["label"]).partition(",")[0]
        if not any((index, group) in backgrounds for group in GROUPS):
            found.append(f"{label!r} ({index}) of CounterAnimal is not there")
            continue
        for group in GROUPS:
            here, there = counted[int(str(index)), group], int(row[f"{group}_photos"])
            if here != there:
                found.append(f"{label!r} ({index}) has {here} {group} photos, where {there} are published")
            other = backgrounds.get((int(str(index)), group), set()) - {row[f"{group}_background"]}
            if other:
                found.append(
                    f"{label!r} ({index}) has {group} photos on {', '.join(sorted(other))}, where "
                    f"{row[f'{group}_background']} is published"
                )
    return found
