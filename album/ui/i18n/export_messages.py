"""The words of the section that writes out of the album, in English and Korean; see `texts`."""

from __future__ import annotations

from typing import Final

EXPORT_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "export_title": ("Out of the album again", "사진첩 밖으로"),
    "export_intro": (
        "Your captions, labels and stars, written into small files that go with the photos, called"
        " XMP sidecars. Lightroom, digiKam and darktable read them. The photos themselves are never"
        " written to.",
        "설명과 이름표, 별점을 XMP 사이드카라는 작은 파일에 적어 드립니다. 사진과 함께 두면"
        " Lightroom, digiKam, darktable에서도 읽을 수 있습니다. 사진 파일은 건드리지 않습니다.",
    ),
    "export_which": ("Which photos", "어떤 사진"),
    "export_all": ("All photos", "모든 사진"),
    "export_found": ("Those found in Search last", "마지막으로 찾은 사진"),
    "export_label": ("Those with a label", "이름표로 고르기"),
    "export_where": ("Where to", "어디에"),
    "export_zip": ("A ZIP to download", "ZIP으로 내려받기"),
    "export_beside": ("Beside the photos, in your folders", "내 폴더의 사진 옆에"),
    "export_with_photos": ("The photos themselves, too", "사진도 함께 담기"),
    "export_replace": (
        "Where a sidecar has another description or other stars, mine count",
        "사이드카에 다른 설명이나 별점이 있으면 내 것으로 바꾸기",
    ),
    # What would be done
    "export_about": (
        "Photos: {n:,}. With a caption, a label or stars: {told:,}.",
        "사진 {n:,}장, 그중 설명·이름표·별점이 있는 사진 {told:,}장.",
    ),
    "export_to_zip": (
        "Each of these gets a sidecar, all of them in one ZIP.",
        "이 사진들의 사이드카를 ZIP 하나에 담습니다.",
    ),
    "export_to_zip_photos": (
        "The photos go into the ZIP with their sidecars, {size}.",
        "사진과 사이드카를 ZIP 하나에 담습니다. 모두 {size}입니다.",
    ),
    "export_to_beside": (
        "Each of these gets a sidecar beside it.",
        "이 사진들 옆에 사이드카를 하나씩 둡니다.",
    ),
    "export_keeps": (
        "What other programs wrote there stays.",
        "다른 프로그램이 쓴 내용은 그대로 남습니다.",
    ),
    "export_replaces": (
        "Other descriptions and stars there are replaced.",
        "거기 있던 다른 설명과 별점은 바뀝니다.",
    ),
    "export_not_beside": (
        "Left out, for the album keeps them itself: {n:,}. Take those as a ZIP.",
        "사진첩에 올린 사진 {n:,}장은 빠집니다. 그 사진은 ZIP으로 받으세요.",
    ),
    "export_too_large": (
        "The photos themselves can come along up to {most}; these are {size}.",
        "사진까지 담는 것은 {most}까지 됩니다. 지금 고른 사진은 {size}입니다.",
    ),
    "export_untold": (
        "None of these photos has a caption, a label or stars yet.",
        "아직 설명이나 이름표, 별점이 있는 사진이 없습니다.",
    ),
    "export_none": ("No photo is chosen.", "고른 사진이 없습니다."),
    "export_start_zip": ("Make the ZIP", "ZIP 만들기"),
    "export_start_beside": ("Write beside the photos", "사진 옆에 쓰기"),
    "export_really": (
        "Really write {n:,} sidecars beside the photos?",
        "정말 사진 옆에 사이드카 {n:,}개를 쓸까요?",
    ),
    "export_really_one": (
        "Really write a sidecar beside the photo?",
        "정말 사진 옆에 사이드카를 쓸까요?",
    ),
    "export_really_none": (
        "There is nothing to say of these photos now. Really take back what the album wrote beside"
        " them before?",
        "이 사진들에는 이제 적을 것이 없습니다. 사진첩이 전에 사진 옆에 적은 내용을 지울까요?",
    ),
    "export_yes": ("Write them", "쓰기"),
    "export_no": ("Not now", "나중에"),
    # At work
    "export_begins": ("one moment…", "잠시만요…"),
    "export_waits": (
        "about to begin, after others if any are at work…",
        "곧 시작합니다. 다른 작업이 있으면 그 뒤에 이어집니다…",
    ),
    "export_keep_open": (
        "Keep this page open until it is done",
        "끝날 때까지 이 페이지를 열어 두세요",
    ),
    "export_stop": ("Stop", "멈추기"),
    "export_stopping": ("stopping after the photo in hand…", "하던 사진까지만 하고 멈춥니다…"),
    # What came of it
    "export_new": ("New sidecars: {n:,}", "새 사이드카 {n:,}개"),
    "export_extended": ("extended: {n:,}", "내용을 더한 사이드카 {n:,}개"),
    "export_unchanged": ("unchanged: {n:,}", "그대로 둔 사이드카 {n:,}개"),
    "export_nothing": ("photos with nothing to say: {n:,}", "적을 것이 없는 사진 {n:,}장"),
    "export_copied": ("photos copied: {n:,}", "담은 사진 {n:,}장"),
    "export_failed": ("could not be written: {n:,}", "쓰지 못함 {n:,}건"),
    "export_not_reached": (
        "Photos left when it ended: {n:,}. What was written until then stays.",
        "멈출 때까지 하지 못한 사진이 {n:,}장 있습니다. 그때까지 쓴 것은 남아 있습니다.",
    ),
    "export_failures": ("Could not be written", "쓰지 못한 것"),
    "export_notes": ("Not quite as the album has it", "사진첩과 조금 다른 것"),
    "export_more": ("and {n:,} more", "그 밖에 {n:,}건 더"),
    "export_download": ("Download the ZIP ({size})", "ZIP 내려받기 ({size})"),
    "export_zip_empty": (
        "There was nothing to put into a ZIP.",
        "ZIP에 담을 것이 없었습니다.",
    ),
    # Read back
    "export_verify": ("Read it back and compare", "다시 읽어서 비교하기"),
    "export_verified": (
        "{same:,} of {n:,} photos come back as they are.",
        "사진 {n:,}장 가운데 {same:,}장이 그대로 돌아옵니다.",
    ),
    "export_verified_all": (
        "All of it comes back as it is: {same:,} of {n:,} photos.",
        "사진 {n:,}장 가운데 {same:,}장, 모두 그대로 돌아옵니다.",
    ),
    "export_differs": (
        "{what}: {here} in the album, {there} read back",
        "{what}: 사진첩에는 {here}, 다시 읽으면 {there}",
    ),
    "export_blank": ("nothing", "없음"),
    "export_what_caption": ("caption", "설명"),
    "export_what_caption_ko": ("Korean caption", "한국어 설명"),
    "export_what_caption_en": ("English caption", "영어 설명"),
    "export_what_labels": ("labels", "이름표"),
    "export_what_stars": ("stars", "별점"),
}
