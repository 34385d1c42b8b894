"""Vocabulary of the query language in Korean and English.

To teach it a word, add it here. Case does not matter, and a blank within a phrase may be left out
in Korean. Words are written as one string with commas between them. Dates are put together out of
these words by `dates.py`, sentences by `scan.py` and `sentence.py`.

The rules of taste:

- A season, "march", "raw", "가로" or "horizontal" is a fact only where no plain word stands right
  beside it: "spring", "spring 2019" and "in the spring" are a time, "spring water", "summer dress"
  and "겨울 코트" are looks. After "in" only the word behind counts. "may" and short months ("mar",
  "sep") need a year, a day, or "in", "last" and the like.
- A feast is a date unless one of its things follows: "christmas" is, "christmas tree" is a look.
- "night", "밤", "눈", "landscape photos", "portrait" are looks. "at night" and "밤에" are a time of
  day, and stay in the look as well, for a night shows; "in the morning" is a time alone. "at
  sunset" is a look alone: it says what the sky is like, at any hour of the clock.
- A town whose name is a plain word ("Nice", "공주") needs a preposition or particle of place, or a
  capital letter that does not just begin the sentence.
- A label counts by its bare name where it stands apart from every word: "dog 2019", not "hot dog";
  "label:dog" always does.
- "without" excludes to the end of its noun phrase, 없는 the one word before it with its adjectives.
- What is no fact stays in the look, in its words and order. Only the lists here of ways to ask,
  words for photos, joining words and marks may be left out, where they do no more than surround.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from album.domain.filters import (
    AtHours,
    Captioned,
    Fact,
    Favourite,
    OfType,
    Placed,
    Screenshot,
    Shaped,
)


def words(text: str) -> tuple[str, ...]:
    """Split one row into its words."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def words_of(*tables: Mapping[Any, str]) -> tuple[str, ...]:
    """Return the words of all rows of tables."""
    return tuple(word for table in tables for row in table.values() for word in words(row))


def alternatives(every: Iterable[str]) -> str:
    """Return a pattern for any of these words, the longest first.

    Korean blanks are optional.
    """
    patterns = []
    for word in sorted(set(every), key=lambda word: (-len(word), word)):
        pattern = re.escape(word).replace("'", "'?")
        patterns.append(pattern.replace(r"\ ", " " if word.isascii() else " ?"))
    return "(?:" + "|".join(patterns) + ")"


class Phrase(NamedTuple):
    """Words that mean one fact."""

    fact: Fact
    kind: str
    """Of the chip."""
    phrases: str
    excluded: bool = False
    alone: bool = False
    """Only where no plain word stands directly beside it."""


# ---- facts of a photo -----------------------------------------------------------------------

PHRASES: Final = (
    Phrase(
        Screenshot(),
        "screenshot",
        "screenshot, screenshots, screen shot, screen shots, screen capture, screen captures,"
        " screengrab, screengrabs, 스크린샷, 스크린 샷, 스샷, 화면 캡처, 화면 캡쳐, 캡처 화면,"
        " 캡쳐 화면, 캡처 사진, 캡쳐 사진, 캡처본, 캡쳐본",
    ),
    Phrase(
        Favourite(),
        "favourite",
        "favorites, favourites, my favorites, my favourites, favorite photos, favourite photos,"
        " favorite pictures, favourite pictures, my favorite photos, my favourite photos, starred,"
        " 즐겨찾기, 즐겨찾기한, 즐겨찾는, 별표, 별점, 별점 있는, 별표 있는, 별표한",
    ),
    Phrase(Favourite(), "favourite", "별점 없는, 별표 없는, unstarred", excluded=True),
    Phrase(
        Captioned(),
        "caption",
        "with caption, with captions, with a caption, captioned, has caption, has a caption,"
        " 설명 있는, 설명이 있는, 설명 있음, 설명 달린, 설명이 달린, 캡션 있는, 캡션이 있는,"
        " 캡션 달린",
    ),
    Phrase(
        Captioned(),
        "caption",
        "without caption, without captions, without a caption, no caption, no captions,"
        " uncaptioned, 설명 없는, 설명이 없는, 설명 없음, 설명 없이, 설명 안 달린, 캡션 없는,"
        " 캡션이 없는, 캡션 없음",
        excluded=True,
    ),
    Phrase(
        Placed(),
        "place",
        "with place, with places, with location, with a place, with a location, with gps,"
        " geotagged, 위치 있는, 위치가 있는, 위치 정보 있는, 위치 정보가 있는, 장소 있는,"
        " 장소가 있는, 위치 있음",
    ),
    Phrase(
        Placed(),
        "place",
        "without place, without a place, without location, without a location, no place,"
        " no location, without gps, no gps, not geotagged, 위치 없는, 위치가 없는, 위치 정보 없는,"
        " 위치 정보가 없는, 장소 없는, 장소가 없는, 위치 없음",
        excluded=True,
    ),
    Phrase(OfType(("JPEG",)), "type", "jpeg, jpg, jpegs, jpgs, 제이펙"),
    Phrase(OfType(("HEIC",)), "type", "heic, heif, heics"),
    Phrase(OfType(("PNG",)), "type", "png, pngs"),
    Phrase(OfType(("GIF",)), "type", "gif, gifs"),
    Phrase(OfType(("WEBP",)), "type", "webp"),
    Phrase(OfType(("AVIF",)), "type", "avif"),
    Phrase(OfType(("TIFF",)), "type", "tiff, tif"),
    Phrase(OfType(("BMP",)), "type", "bmp"),
    Phrase(OfType(("JXL",)), "type", "jxl, jpeg xl"),
    Phrase(OfType(("JP2",)), "type", "jp2, jpeg 2000, jpeg2000"),
    Phrase(
        OfType(("RAW",)),
        "type",
        "raw file, raw files, raw photo, raw photos, raw image, raw images, raw format,"
        " dng, nef, cr2, cr3, arw, raw 파일, raw 사진, 로우 파일, 로 파일, 로우파일",
    ),
    Phrase(OfType(("RAW",)), "type", "raw, raws", alone=True),
    Phrase(
        Shaped("landscape"),
        "shape",
        "landscape orientation, landscape format, landscape oriented, in landscape orientation,"
        " horizontal photo, horizontal photos, horizontal picture, horizontal pictures,"
        " horizontal images, horizontal shots, horizontal orientation, 가로 사진, 가로 방향,"
        " 가로 방향 사진, 가로형, 가로형 사진, 가로 샷, 가로로 찍은, 가로로 찍은 사진",
    ),
    Phrase(Shaped("landscape"), "shape", "horizontal, 가로", alone=True),
    Phrase(
        Shaped("portrait"),
        "shape",
        "portrait orientation, portrait format, portrait oriented, in portrait orientation,"
        " vertical photo, vertical photos, vertical picture, vertical pictures,"
        " vertical images, vertical shots, vertical orientation, 세로 사진, 세로 방향,"
        " 세로 방향 사진, 세로형, 세로형 사진, 세로 샷, 세로로 찍은, 세로로 찍은 사진",
    ),
    Phrase(Shaped("portrait"), "shape", "vertical, 세로", alone=True),
    Phrase(
        Shaped("square"),
        "shape",
        "square photo, square photos, square pictures, square images, square format,"
        " 정사각형 사진, 정사각 사진, 정방형 사진",
    ),
)
FILE_WORDS: Final = words("file, files, format, 파일, 파일들, 포맷, 형식")
"""They may follow a file type."""
LABEL_MARKS: Final = words("label, tag, 이름표, 라벨, 레이블, 태그")
"""Before a colon and the name of a label."""

# ---- times of day ---------------------------------------------------------------------------


class Hours(NamedTuple):
    """A time of day."""

    fact: AtHours
    phrases: str
    """Enough by themselves."""
    bare: str
    """Enough behind a day: 어제 저녁, yesterday evening."""
    shows: bool
    """It can be seen, so the words stay in the look."""


HOURS: Final = (
    Hours(
        AtHours(19, 5),
        "at night, by night, during the night, in the night, at nighttime, 밤에, 밤에는, 밤에만,"
        " 밤중에, 한밤에, 한밤중에, 야간에",
        "night, 밤, 한밤",
        True,
    ),
    Hours(AtHours(23, 2), "at midnight, 자정에", "midnight, 자정", True),
    Hours(AtHours(0, 6), "새벽에, 새벽에는", "새벽", True),
    Hours(AtHours(4, 8), "at dawn", "dawn", True),
    Hours(AtHours(17, 21), "at dusk", "dusk", True),
    Hours(AtHours(5, 11), "in the morning, 아침에, 아침에는", "morning, 아침", False),
    Hours(AtHours(5, 12), "오전에, 오전에는", "오전", False),
    Hours(AtHours(11, 14), "at noon, at lunchtime, 점심에, 점심때, 점심 때", "noon, 점심", False),
    Hours(AtHours(12, 18), "in the afternoon, 오후에, 오후에는", "afternoon, 오후", False),
    Hours(AtHours(17, 21), "in the evening, 저녁에, 저녁에는, 저녁때", "evening, 저녁", False),
    Hours(
        AtHours(8, 18), "by day, during the day, in the daytime, 낮에, 대낮에, 한낮에", "낮", False
    ),
)

# ---- sentences ------------------------------------------------------------------------------

WITHOUT: Final = words(
    "without, without any, w/o, with no, but not, but no, but without, and no, and not,"
    " no, not, except, except for, excluding, other than"
)
"""They exclude the noun phrase behind them: to the next preposition, comma, fact or operator; "or"
and "and" carry the exclusion on."""
LACKING: Final = words(
    "없는, 없이, 없음, 말고, 말고는, 말구, 제외, 제외한, 제외하고, 빼고, 뺀, 아닌"
)
"""They exclude the word before them, with its adjectives."""
LACKING_LATE: Final = words(
    "안 나온, 안 나오는, 안나온, 안나오는, 안 보이는, 안보이는, 나오지 않는, 보이지 않는"
)
"""The same, but they stand as words of their own only."""
AT_ALL: Final = words("하나도, 거의, 전혀, 아예, 한 명도, 한 사람도, 한 마리도, 한 대도")
"""They may stand before a word of exclusion: 사람 하나도 없는."""
NOT_LACKING: Final = frozenset(
    words(
        "아무도 없는, 아무것도 없는, 아무도 없이, 끝없는, 끝없이, 수없이, 수없는, 한없는,"
        " 한없이, 변함없는, 변함없이, 어이없는, 쓸데없는, 쓸데없이, 말없이, 말없는, 아낌없이,"
        " 아낌없는, 꾸밈없는, 꾸밈없이, 거침없이, 거침없는, 빈틈없는, 빈틈없이, 힘없이,"
        " 힘없는, 정신없는, 정신없이, 재미없는, 맛없는, 멋없는, 철없는, 상관없이, 관계없이,"
        " 틀림없는, 틀림없이, 하염없이, 하염없는, 끊임없이, 끊임없는, 소용없는, 버릇없는,"
        " 덧없는, 속절없이, 거리낌없이, 막힘없이, 어김없이, 더없이, 더없는"
    )
)
"""Words of their own, in which nothing is lacking."""
STOPS: Final = frozenset(
    words(
        "in, on, at, with, from, by, near, under, over, behind, beside, besides, above, below,"
        " between, during, before, after, since, for, to, into, onto, against, along, among,"
        " around, across, through, inside, outside, while, but, that, which, who, where, when,"
        " is, are, was, were, wearing, holding"
    )
)
"""A noun phrase ends before them."""
JOINS: Final = frozenset(words("and, or, nor, &, 그리고, 및, 또는, 혹은, 하고"))
DETERMINERS: Final = frozenset(
    words("a, an, the, any, some, my, our, his, her, their, its, your, of")
)
BESIDE_LABELS: Final = DETERMINERS | frozenset(words("and, &, 그리고, 및, 하고"))
"""Words that leave the labels beside them alone: "my dog and a cat"."""
GLUE_BEFORE: Final = "taken, shot, captured, photographed, made"
"""Before the preposition of a date, a place or a camera they belong to it: taken in 2019."""
GLUE_AFTER: Final = (
    "찍은, 찍었던, 찍힌, 찍어둔, 찍어 둔, 촬영한, 촬영된, 찍혔던, 갔을 때, 갔을때, 있을 때,"
    " 있었을 때"
)
"""Behind a date, a place or a camera they belong to it: 부산에서 찍은."""
OPENERS: Final = words(
    "show me everything, everything, show me, show, show me all, show all, find me, find,"
    " find all, find all my, search for, search, look for, give me, give me all,"
    " i want to see, let me see, please show me, all my, show me my, show my, find my,"
    " show me the, 모든, 나의, 내가 찍은, 우리가 찍은"
)
"""Left out before the first word to look for."""
CLOSERS: Final = words(
    "것, 것만, 것들, 거, 보여줘, 보여 줘, 보여줘요, 보여주세요, 보여 주세요, 보여줄래,"
    " 다 보여줘, 모두 보여줘, 전부 보여줘, 좀 보여줘, 찾아줘, 찾아 줘, 찾아줘요, 찾아주세요,"
    " 찾아 주세요, 좀 찾아줘, 다 찾아줘, 모두 찾아줘, 찾기, 검색, 검색해줘, 검색해 줘,"
    " 보고 싶어, 보고싶어, 어디 있어, please"
)
"""Left out behind the last word to look for."""
PHOTOS_OF: Final = words(
    "photos of, photo of, a photo of, pictures of, picture of, a picture of, pics of, images of,"
    " image of, an image of, the photos of, some photos of, all photos of, all pictures of,"
    " all the photos of, my photos of, shots of, photographs of"
)
"""Left out before the first word to look for."""
PHOTOS: Final = words(
    "사진 중에, 사진 중에서, 사진 중, photos, photo, pictures, picture, pics, pic, images,"
    " image, photographs, photograph, all photos, all pictures, my photos, my pictures,"
    " the photos, 사진, 사진들, 사진을, 사진만, 사진들을, 이미지, 이미지를, 사진 전부,"
    " 사진 모두"
)
"""Left out where no word to look for follows, unless an article, a preposition or a Korean
adjective goes before: "person holding a photo", "뛰는 사진"."""
PUNCTUATION: Final = ".,;:!?()[]{}<>…·/|\\~-_'\"“”‘’"
"""Marks left out where they stand alone between what was understood."""

LOOK_PHRASES: Final = words(
    # A word of time in them, but a thing to see.
    "night sky, night view, night market, spring water, spring roll, spring rolls, spring onion,"
    " hot spring, hot springs, march of the penguins, no smoking, no parking, no entry,"
    " black friday, good friday, sunday roast, sunday best, new year card, easter island,"
    " 봄동, 추석 송편, 새해 인사, 새해 일출, 새해 복"
)
FEAST_THINGS: Final = words(
    "tree, trees, light, lights, decoration, decorations, ornament, ornaments, wreath, market,"
    " markets, card, cards, cake, cakes, cookie, cookies, present, presents, gift, gifts,"
    " sweater, sweaters, hat, stocking, stockings, costume, costumes, pumpkin, pumpkins, mask,"
    " candy, turkey, dinner, egg, eggs, bunny, bunnies, basket, carol, balls, ball, candle,"
    " candles, 트리, 장식, 조명, 마켓, 카드, 케이크, 케익, 쿠키, 선물, 의상, 분장, 호박, 달걀,"
    " 계란, 산타, 리스, 코스튬, 양말, 인형"
)
"""Behind a feast of the west they make one thing to see: christmas tree."""

# ---- names ----------------------------------------------------------------------------------

PREPOSITIONS: Final = {
    "date": "in, on, from, during, of, at, around, back in, every, each, over, for, throughout",
    "place": "in, at, from, near, around, of, to, nearby",
    "camera": "with, by, on, using, from, via",
    "lens": "with, by, on, using, at",
    "type": "in, as",
    "label": "labelled, labeled, tagged, labelled as, labeled as, tagged as, tagged with",
}
"""Taken along with what follows, an article too."""
PLACES_TAKE: Final = "광역시, 특별시, 특별자치시, 특별자치도, 시내, 시, 도"
"""They may follow a town's name: 부산시, 제주도."""
TRIPS: Final = words("여행, 출장, 나들이, 신혼여행, 여행기, 가족여행, 가족 여행, 시내, 바닷가")
"""Before these a doubtful Korean name is a place."""
THINGS_OF_PLACES: Final = words(
    "여행, 바다, 해변, 야경, 시장, 맛집, 카페, 출장, 나들이, 풍경, 거리, 공항, 호텔, 공원,"
    " 시내, 바닷가, 축제"
)
"""A town's name may stand before these without a blank: 부산바다."""
PARTICLES: Final = words(
    "에서의, 에서는, 에서도, 에서, 에는, 에도, 에만, 에, 의, 은, 는, 이, 가, 을, 를, 으로, 로,"
    " 과, 와, 이랑, 랑, 하고, 도, 만, 때, 이나, 나, 인, 에게, 부터, 까지, 이며, 쯤, 마다, 날,"
    " 중, 동안, 즈음, 무렵"
)
OF_PLACE: Final = words("에서의, 에서는, 에서도, 에서, 에는, 에도, 에, 으로, 로")
WHOLE_NOUNS: Final = frozenset(
    words(
        "고양이, 길고양이, 호랑이, 원숭이, 어린이, 젊은이, 늙은이, 종이, 목걸이, 귀걸이,"
        " 옷걸이, 팔걸이, 놀이, 물놀이, 눈놀이, 불꽃놀이, 거북이, 달팽이, 지팡이, 팽이, 구이,"
        " 쌍둥이, 멍멍이, 댕댕이, 야옹이, 냥이, 곰돌이, 손잡이, 떡볶이, 라볶이, 눈송이,"
        " 꽃송이, 송이, 길이, 부엉이, 올챙이, 구렁이, 지렁이, 얼룩이, 누렁이, 검둥이, 흰둥이,"
        " 돌멩이, 몽둥이, 냉이, 책꽂이, 연필꽂이, 재떨이, 턱받이, 미닫이, 여닫이, 하루살이,"
        " 먹이, 개구쟁이, 담쟁이, 난쟁이, 멋쟁이, 굼벵이, 방망이, 엉덩이, 모퉁이, 꼬맹이,"
        " 콩이, 휴가, 요가, 화가, 아가, 조가, 가을, 마을, 노을, 고을, 저녁노을, 아침노을,"
        " 시골마을, 벽화마을, 한옥마을"
    )
)
"""Nouns that end as if they carried a particle."""
ADJECTIVE_ENDINGS: Final = words(
    "는, 은, 운, 한, 던, 란, 얀, 린, 픈, 쁜, 큰, 흰, 긴, 든, 된, 힌, 른, 싼, 쓴, 빨간, 멋진,"
    " 깨진, 웃긴, 찬, 의, 색, 색깔"
)
NO_ADJECTIVES: Final = frozenset(words("계란, 북한, 남한, 은, 기린, 회의, 주의, 정의, 강의"))
"""Nouns that end like Korean adjectives."""

ORDINARY: Final = frozenset(
    words(
        "nice, reading, sandwich, bath, mobile, orange, split, cork, ham, hull, sale, deal,"
        " rugby, tours, male, bar, man, best, eagle, paradise, victory, hope, beach, lake,"
        " independence, turkey, china, chad, jordan, jersey, hell, eye, most, police, born,"
        " may, march, april, june, august, spring, summer, winter, fall, sunday, monday,"
        " battle, ferry, bend, flint, rock, stone, wells, well, pool, poole, street, bury,"
        " ash, rye, diss, wick, rose, lily, violet, iris, daisy, ruby, pearl, amber, crystal,"
        " diamond, gold, silver, salt, pepper, sugar, apple, lemon, cherry, olive, berry,"
        " plum, peach, maple, oak, pine, cedar, elm, willow, bear, wolf, fox, buffalo, elk,"
        " deer, moose, lion, tiger, swan, heron, robin, dove, crane, pigeon, ant, bee, mars,"
        " venus, sun, moon, star, earth, mountain, valley, hill, river, bay, port, harbor,"
        " harbour, island, ocean, sea, coast, forest, park, garden, bridge, castle, tower,"
        " church, temple, palace, hall, house, home, farm, village, town, city, market,"
        " square, center, centre, union, liberty, freedom, justice, hero, angel, bishop, king,"
        " queen, prince, princess, cook, hunter, fisher, taylor, mason, carpenter, smith,"
        " miller, shepherd, potter, marine, normal, rapid, rapids, falls, surprise, truth,"
        " love, joy, kiss, young, old, new, big, little, long, short, white, black, red,"
        " green, blue, brown, gray, grey, pink, purple, yellow, warm, cold, hot, dry, hay,"
        " corn, rice, bread, butter, cheese, milk, coffee, tea, wine, beer, meat, fish, bacon,"
        " crab, boot, hat, shoe, watch, ring, clay, sand, dust, carpi, lens, angers, nancy,"
        " troyes, nimes, condom, batman, ur, so, of, as, is, it, no, do, go, me, us, bari,"
        " pula, zug, halle, hagen, wesel, sion, thun, visp, gap, sens, victoria, charlotte,"
        " alice, georgia, virginia, carolina, dakota, austin, madison, jackson, lincoln,"
        " cleveland, columbus, phoenix, salem, troy, delta, summit, hastings, 공주, 진주,"
        " 양산, 장수, 화성, 여주, 경주, 청주, 영광, 고성, 예산, 음성, 이천, 사천, 인도, 수단,"
        " 오만, 가나, 기장, 상주, 오산, 영동, 보은, 장성, 구미, 무주, 함양, 의성, 강화, 영주,"
        " 부여, 구리, 안성, 시흥, 성남, 남양, 신안, 광명, 말리, 통가, 기니, 차드, 토고, 정선,"
        " 인제, 김제, 완주, 진도"
    )
)
"""Names of towns and countries, folded, that are plain words as well."""
BRANDS: Final = {
    "iphone": "아이폰",
    "galaxy": "갤럭시",
    "pixel": "픽셀",
    "apple": "애플",
    "samsung": "삼성",
    "google": "구글",
    "canon": "캐논",
    "nikon": "니콘",
    "sony": "소니",
    "fujifilm": "후지필름",
    "fuji": "후지",
    "olympus": "올림푸스",
    "panasonic": "파나소닉",
    "leica": "라이카",
    "ricoh": "리코",
    "pentax": "펜탁스",
    "gopro": "고프로",
    "xiaomi": "샤오미",
    "huawei": "화웨이",
    "hasselblad": "핫셀블라드",
    "sigma": "시그마",
    "tamron": "탐론",
    "dji": "디제이아이",
    "ipad": "아이패드",
    "lg": "엘지",
    "pro": "프로",
    "max": "맥스",
    "plus": "플러스",
    "mini": "미니",
    "ultra": "울트라",
}
"""Words of cameras' names, and how Koreans write them."""
NO_CAMERA_ALONE: Final = frozenset(
    words(
        "pro, max, plus, mini, ultra, camera, digital, lens, back, front, dual, triple, wide,"
        " se, air, note, mark, ii, iii, iv, corporation, corp, company, inc, ltd, co, imaging,"
        " electronics, optical, the, phone, edge, fold, flip, lite, neo, prime, zoom, macro,"
        " usm, stm, is, ed, vr, dx, fx, gm, oss, art, series, model, type"
    )
)
"""Words of cameras' names that do not tell one."""
DOUBTFUL_CAMERAS: Final = frozenset(
    words("apple, google, galaxy, nothing, one, essential, motion, sigma, red, blackberry, honor")
)
"""Cameras only behind "with", "taken on" or before 으로, 로."""
