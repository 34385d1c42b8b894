"""Names of filters, for their chips and their choices."""

from __future__ import annotations

from album.domain.labels import FAVOURITE
from album.domain.photo import FilterPart, Place, SearchFilters
from album.service import Album
from album.ui.i18n.messages import say
from album.ui.search.chips import meaning


def part_name(album: Album, filters: SearchFilters, part: FilterPart, language: str) -> str:
    """Name one part of the filters as its chip does."""
    match part:
        case "days":
            return meaning(filters.after, filters.before, language)
        case "place":
            return _place_filter(album, filters, language)
        case "has_caption":
            return _either("caption_filter", filters.has_caption, language)
        case "orientation":
            return say(language, filters.orientation or "any")
        case "label":
            return label_name(filters.label or "", language)
    return (filters.camera if part == "camera" else filters.file_type) or ""


def place_name(place: Place, language: str) -> str:
    """Name a town behind its country, or the country alone."""
    korean = language == "ko"
    country = (place.country_ko if korean else "") or place.country
    town = (place.town_ko if korean else "") or place.town
    return f"{country} · {town}" if town else country


def import_name(album: Album, import_id: int, language: str) -> str:
    """Name an import by its day.

    Raises:
        AlbumError: there is none with this id.
    """
    day = album.import_store.get(import_id).asked_at.date()
    return say(language, "import_of", day=meaning(day, day, language))


def label_name(label: str, language: str) -> str:
    return say(language, "favourite") if label == FAVOURITE else label


def _place_filter(album: Album, filters: SearchFilters, language: str) -> str:
    if filters.country is None:
        return _either("place", filters.has_place, language)
    key = (filters.country, filters.town or "")
    names = [
        place_name(count.place, language)
        for count in album.store.places()
        if (count.place.country_code, count.place.town) == key
    ]
    return names[0] if names else " · ".join(filter(None, key))


def _either(key: str, value: bool | None, language: str) -> str:
    return f"{say(language, key)}: {say(language, 'with' if value else 'without')}"
