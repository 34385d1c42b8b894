"""The sentences of an export in Korean; see `sentences`."""

from __future__ import annotations

from typing import Final

EXPORT_KOREAN: Final[tuple[tuple[str, str], ...]] = (
    # Why a sidecar was not written
    (
        r"The sidecar is damaged, no XMP, or absurdly large: .*",
        "사이드카가 손상되었거나 XMP가 아니거나 지나치게 큽니다. 그대로 두었으니 고치거나 지워"
        " 주세요.",
    ),
    (
        r"The sidecar is no XMP as its standard has it: .*",
        "사이드카가 XMP 표준에 맞지 않아 그대로 두었습니다.",
    ),
    (r"The sidecar is too long to be read: .*", "사이드카가 너무 길어서 그대로 두었습니다."),
    (
        r"The sidecar would become too long .*",
        "더 적으면 사이드카가 너무 길어져 다시 읽을 수 없습니다.",
    ),
    (
        r"The sidecar would not say afterwards .*",
        "사이드카에 제대로 적을 수 없어 그대로 두었습니다.",
    ),
    (
        r"The sidecar gives the short name “(?P<name>.*)” a meaning of its own, .*",
        "사이드카에서 “{name}”이라는 짧은 이름을 다른 뜻으로 쓰고 있어 더 적지 못하고 그대로"
        " 두었습니다.",
    ),
    (
        r"The sidecar holds something \((?P<name>.*)\) that could not be kept: .*",
        "사이드카에 든 내용({name})을 지킬 수 없어 그대로 두었습니다.",
    ),
    (
        r"The sidecar is a link to another file: .*",
        "사이드카가 다른 파일을 가리키는 링크라서 쓰지 않았습니다.",
    ),
    (
        r"Something that is no file has the name of the sidecar\.",
        "사이드카와 이름이 같은 것이 있는데 파일이 아닙니다.",
    ),
    (
        r"The sidecar is protected against writing: .*",
        "쓰기가 금지된 사이드카입니다. 쓸 수 있게 바꾼 뒤 다시 해 주세요.",
    ),
    (
        r"Another program changed the sidecar meanwhile: .*",
        "그사이에 다른 프로그램이 사이드카를 바꿨습니다. 다시 해 주세요.",
    ),
    (
        r"Other files have all the names .*",
        "이 사진에 쓸 수 있는 이름을 다른 파일들이 모두 쓰고 있습니다.",
    ),
    (
        r"The album keeps this photo itself: .*",
        "사진첩에 올린 사진이라 옆에 둘 곳이 없습니다. 다른 폴더로 내보내 주세요.",
    ),
    (
        r"The album may not write there: .*",
        "그 폴더에 쓸 권한이 없습니다. 쓸 수 있게 바꾸거나 다른 곳으로 내보내 주세요.",
    ),
    (
        r"The disk is full: make room, and export again\.",
        "디스크가 가득 찼습니다. 자리를 비우고 다시 해 주세요.",
    ),
    (r"It could not be written: (?P<why>.*)\.", "쓰지 못했습니다: {why}."),
    # What is not quite as the album has it
    (
        r"The sidecar has another description \((?P<language>.*)\), which stays: .*",
        "사이드카에 다른 설명({language})이 있어 그대로 두었습니다. 내 설명이 낫다면 바꾸도록"
        " 골라 주세요.",
    ),
    (
        r"The sidecar has other stars, which stay: .*",
        "사이드카에 다른 별점이 있어 그대로 두었습니다. 내 별점이 맞다면 바꾸도록 골라 주세요.",
    ),
    (
        r"Characters that XML cannot hold, .*",
        "XML에 적을 수 없는 글자(제어 문자 등)는 뺐습니다.",
    ),
    (
        r"What (?P<name>.*) says could not be taken along: .*",
        "{name}의 내용은 가져오지 못했습니다. 손상되었거나 읽을 수 없습니다.",
    ),
    # What cannot begin
    (r"Photos are copied into a folder: .*", "사진을 복사할 폴더를 정해 주세요."),
    (
        r"What is exported into the album's own folder .*",
        "사진첩 자신의 폴더에 내보내면 사진첩과 함께 사라집니다. 다른 폴더를 골라 주세요.",
    ),
    (
        r"(?P<folder>.*) cannot be made: (?P<why>.*); choose another folder\.",
        "폴더를 만들 수 없습니다: {folder} ({why}). 다른 폴더를 골라 주세요.",
    ),
    (
        r"There is no folder (?P<folder>.*): name the one that was exported into\.",
        "이런 폴더가 없습니다: {folder}. 내보낸 폴더를 정해 주세요.",
    ),
    (
        r"None of these photos lies in a folder of yours: .*",
        "내 폴더에 있는 사진이 하나도 없습니다. ZIP으로 받아 주세요.",
    ),
    (r"No photo is chosen: .*", "고른 사진이 없습니다. 먼저 사진을 골라 주세요."),
    (
        r"The album's disk has no room for this ZIP: .*",
        "사진첩의 디스크에 이 ZIP을 둘 자리가 없습니다. 자리를 비우거나 사진을 덜 골라 주세요.",
    ),
    (r"The zip could not be written: (?P<why>.*)\.", "ZIP을 만들지 못했습니다: {why}."),
    (r"The zip is not there any more: .*", "ZIP이 이제 없습니다. 다시 만들어 주세요."),
    (r"This was stopped before it was done\.", "끝나기 전에 멈췄습니다."),
)
