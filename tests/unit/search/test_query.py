from __future__ import annotations

import random
import re
import time
import unicodedata
from datetime import date

import pytest

from album.domain.filters import (
    AtHours,
    ByCamera,
    ByLens,
    Captioned,
    Favourite,
    Filter,
    InMonths,
    InPlace,
    Labelled,
    OfType,
    OnDays,
    OnWeekdays,
    Placed,
    Screenshot,
    Shaped,
    TakenBetween,
    Writes,
)
from album.domain.known_names import KnownNames
from album.search.query import MOST_LOOKS, Chip, Query, parse, without_chip, words
from album.search.query.phrases import plain

TODAY = date(2026, 11, 21)  # a Saturday
NAMES = KnownNames(
    places=frozenset(
        {"Busan", "부산", "Seoul", "서울", "New York", "뉴욕", "Jeju", "제주", "Nice", "Reading"}
        | {"Turkey", "Sandwich", "공주", "경주", "Paris", "파리"}
    ),
    cameras=frozenset({"Apple iPhone 15 Pro", "Google Pixel 6", "Canon EOS R5", "SONY ILCE-7M3"}),
    lenses=frozenset({"RF24-70mm F2.8 L IS USM", "EF50mm f/1.8 STM"}),
    labels=frozenset({"가족", "dog", "Hot Dog", "Best of", "야옹이", "개"}),
    label_synonyms=frozenset({("kitty", "야옹이"), ("멍멍이", "dog")}),
)


def said(condition: Filter) -> str:
    """A condition in a few words, as the table below writes it."""
    match condition.fact:
        case TakenBetween(first, last):
            words = f"{first}" if first == last else f"{first or ''}..{last or ''}"
        case InMonths(months):
            words = "months " + " ".join(map(str, months))
        case OnDays(days):
            words = "days " + " ".join(f"{month}-{day}" for month, day in days)
        case OnWeekdays(weekdays):
            words = "weekdays " + " ".join(map(str, weekdays))
        case AtHours(first, last, or_unknown):
            words = f"hours {first}-{last}{'?' if or_unknown else ''}"
        case InPlace(name):
            words = f"in {name}"
        case ByCamera(name):
            words = f"by {name}"
        case ByLens(name):
            words = f"lens {name}"
        case OfType(types):
            words = " ".join(types)
        case Shaped(orientation):
            words = orientation
        case Screenshot() | Favourite() | Captioned() | Placed():
            words = type(condition.fact).__name__.lower()
        case Labelled(label):
            words = f"label {label}"
        case Writes(phrase):
            words = f"writes {phrase}"
    return f"not {words}" if condition.excluded else words


def facts_of(query: Query) -> str:
    facts = [said(condition) for condition in query.conditions]
    return ", ".join(facts if len(facts) < 8 else [facts[-1], f"and {len(facts) - 1} more"])


def looks_of(query: Query) -> str:
    labels = {text: f"{text} ({', '.join(names)})" for text, names in query.labels}
    groups = [
        " / ".join(
            labels.get(look.text, look.text) if look.weight == 1 else f"{look.weight:g}:{look.text}"
            for look in group
        )
        for group in query.groups
    ]
    unwanted = [f"without {labels.get(text, text)}" for text in query.unwanted]
    return " ".join([" + ".join(groups), *unwanted])


def chips_of(query: Query) -> str:
    return " ".join(f"{'-' if chip.excluded else ''}{chip.kind}" for chip in query.chips)


# what is typed => facts => looks => chips
SENTENCES = """
# days, in Korean
작년 여름 부산에서 찍은 강아지 사진 => 2025-06-01..2025-08-31, in 부산 => 강아지 => date place
작년여름 부산에서찍은 강아지 => 2025-06-01..2025-08-31, in 부산 => 강아지 => date place
작년여름바다 => 2025-06-01..2025-08-31 => 바다 => date
2019년 => 2019-01-01..2019-12-31 => - => date
2019년 8월 => 2019-08-01..2019-08-31 => - => date
2019년 8월 3일 => 2019-08-03 => - => date
2019-08-03 => 2019-08-03 => - => date
2019.8 => 2019-08-01..2019-08-31 => - => date
2019. 8. 3. => 2019-08-03 => - => date
20190803 => 2019-08-03 => - => date
3월 => months 3 => - => date
3월의 눈 => months 3 => 눈 => date
8월 초 바다 => days 8-1 8-2 8-3 8-4 8-5 8-6 8-7 8-8 8-9 8-10 => 바다 => date
8월 3일~5일 => days 8-3 8-4 8-5 => - => date
3월부터 5월까지 => months 3 4 5 => - => date
월요일부터 금요일까지 => weekdays 0 1 2 3 4 => - => date
2018년부터 2020년까지 => 2018-01-01..2020-12-31 => - => date
2018년에서 2020년까지 => 2018-01-01..2020-12-31 => - => date
2015년 이전 => ..2015-12-31 => - => date
2015년 이후 강아지 => 2015-01-01.. => 강아지 => date
2019년 8월 3일 이후 => 2019-08-03.. => - => date
작년부터 => 2025-01-01.. => - => date
2015년까지 => ..2015-12-31 => - => date
2019년 전시회 => 2019-01-01..2019-12-31 => 전시회 => date
2019년생 아이 => - => 2019년생 아이 => -
2000원 => - => 2000원 => -
19년 여름 => 2019-06-01..2019-08-31 => - => date
2019년도 여름 => 2019-06-01..2019-08-31 => - => date
재작년 겨울 => 2024-12-01..2025-02-28 => - => date
2019년 겨울 => 2019-12-01..2020-02-29 => - => date
겨울 2019 => 2019-12-01..2020-02-29 => - => date
올여름 제주도 => 2026-06-01..2026-08-31, in 제주 => - => date place
지난 겨울 => 2025-12-01..2026-02-28 => - => date
여름 => months 6 7 8 => - => date
겨울에 찍은 눈 => months 12 1 2 => 눈 => date
겨울 코트 => - => 겨울 코트 => -
여름 바다 => - => 여름 바다 => -
봄꽃 => - => 봄꽃 => -
작년말 => 2025-11-01..2025-12-31 => - => date
연말 모임 => months 12 => 모임 => date
1990년대 => 1990-01-01..1999-12-31 => - => date
90년대 사진 => 1990-01-01..1999-12-31 => - => date
오늘 => 2026-11-21 => - => date
어제 저녁 => 2026-11-20, hours 17-21 => - => date
어젯밤 => 2026-11-20..2026-11-21, hours 19-5 => - => date
엊그제 => 2026-11-19 => - => date
이번 주말 => 2026-11-21..2026-11-22 => - => date
지난주 => 2026-11-09..2026-11-15 => - => date
지난주 토요일 축구 => 2026-11-14 => 축구 => date
지난 주말 등산 => 2026-11-14..2026-11-15 => 등산 => date
지난달 => 2026-10-01..2026-10-31 => - => date
지난 3월 => 2026-03-01..2026-03-31 => - => date
3년 전 여름 => 2023-06-01..2023-08-31 => - => date
한 달 전 => 2026-10-01..2026-10-31 => - => date
두달전 => 2026-09-01..2026-09-30 => - => date
일주일 전 => 2026-11-09..2026-11-15 => - => date
작년 오늘 => 2025-11-21 => - => date
최근 한 달 => 2026-10-21..2026-11-21 => - => date
최근 3개월 => 2026-08-21..2026-11-21 => - => date
지난 2주간 => 2026-11-07..2026-11-21 => - => date
최근 사진 => 2026-08-21..2026-11-21 => - => date
주말 => weekdays 5 6 => - => date
평일에 찍은 사진 => weekdays 0 1 2 3 4 => - => date
일요일 아침 => weekdays 6, hours 5-11 => - => date
밤에 찍은 사진 => hours 19-5 => - => time
밤에 찍은 바다 => hours 19-5? => 밤에 바다 => time
새벽에 찍은 바다 => hours 0-6? => 새벽에 바다 => time
아침에 찍은 커피 => hours 5-11 => 커피 => time
밤하늘의 불꽃놀이 => - => 밤하늘의 불꽃놀이 => -
야경 => - => 야경 => -
밤 줍기 => - => 밤 줍기 => -
오후 3시에 => hours 15-16 => - => time
설날 => 2026-02-16..2026-02-18, and 36 more => - => date
2025년 수능 => 2025-11-13 => - => date
작년 수능 날 => 2025-11-13 => - => date
지난 수능 => 2026-11-19 => - => date
여름방학 => months 7 8 => - => date
2019년 여름방학 바다 => 2019-07-01..2019-08-31 => 바다 => date
설날 세배 2020 => 2020-01-24..2020-01-26 => 세배 => date date
작년 설날 => 2025-01-28..2025-01-30 => - => date
2019년 추석 => 2019-09-12..2019-09-14 => - => date
올해 추석 가족사진 => 2026-09-24..2026-09-26 => 가족 (가족) => date label
크리스마스 => days 12-24 12-25 => - => date
작년 크리스마스 때 => 2025-12-24..2025-12-25 => - => date
크리스마스 이브 => days 12-24 => - => date
크리스마스 트리 => - => 크리스마스 트리 => -
작년 크리스마스 트리 => 2025-01-01..2025-12-31 => 크리스마스 트리 => date
어린이날 놀이공원 => days 5-5 => 놀이공원 => date
광복절 => days 8-15 => - => date
새해 일출 => - => 새해 일출 => -
2019-02-30 강아지 => - => 2019-02-30 강아지 => - => notice
2019년 2월 30일 => - => 2019년 2월 30일 => - => notice
13월 => - => 13월 => - => notice
# days, in English
last summer => 2026-06-01..2026-08-31 => - => date
last christmas => 2025-12-24..2025-12-25 => - => date
christmas => days 12-24 12-25 => - => date
christmas tree => - => christmas tree => -
christmas eve dinner => days 12-24 => dinner => date
halloween => days 10-31 => - => date
halloween costume => - => halloween costume => -
thanksgiving 2024 => 2024-11-28 => - => date
mother's day 2025 => 2025-05-11 => - => date
easter 2019 => 2019-04-21 => - => date
4th of july => days 7-4 => - => date
new year's eve party => days 12-31 => party => date
lunar new year 2020 => 2020-01-24..2020-01-26 => - => date
chuseok last year => 2025-10-05..2025-10-07 => - => date
march => months 3 => - => date
dogs in march => months 3 => dogs (dog) => label date
in march 2020 => 2020-03-01..2020-03-31 => - => date
march of the penguins => - => march of the penguins => -
may => - => may => -
in may => months 5 => - => date
may 2019 => 2019-05-01..2019-05-31 => - => date
may flowers => - => may flowers => -
jan 2020 => 2020-01-01..2020-01-31 => - => date
3 jan 2020 => 2020-01-03 => - => date
august 3rd, 2019 => 2019-08-03 => - => date
august 3-5, 2019 => 2019-08-03..2019-08-05 => - => date
february 30 => - => february 30 => - => notice
8/3/2019 dog => - => 8/3/2019 dog => - => notice
2018-2020 => 2018-01-01..2020-12-31 => - => date
from 2018 to 2020 => 2018-01-01..2020-12-31 => - => date
between 2018 and 2020 => 2018-01-01..2020-12-31 => - => date
march to june 2020 => 2020-03-01..2020-06-30 => - => date
before 2015 => ..2014-12-31 => - => date
after 2019 => 2020-01-01.. => - => date
since 2019 => 2019-01-01.. => - => date
until 2015 => ..2015-12-31 => - => date
since 2010 before 2015 => 2010-01-01..2014-12-31 => - => date date
2015 or later => 2015-01-01.. => - => date
in the 1990s => 1990-01-01..1999-12-31 => - => date
spring => months 3 4 5 => - => date
spring 2019 => 2019-03-01..2019-05-31 => - => date
spring water => - => spring water => -
in the spring => months 3 4 5 => - => date
in spring water => - => in spring water => -
girl in a summer dress => - => girl in a summer dress => -
summer in busan => months 6 7 8, in Busan => - => date place
summer with friends => months 6 7 8 => with friends => date
fall leaves => - => fall leaves => -
in the fall => months 9 10 11 => - => date
winter of 2019 => 2019-12-01..2020-02-29 => - => date
last winter => 2025-12-01..2026-02-28 => - => date
summer last year => 2025-06-01..2025-08-31 => - => date
this weekend => 2026-11-21..2026-11-22 => - => date
last saturday => 2026-11-14 => - => date
on sundays => weekdays 6 => - => date
sunday morning coffee => weekdays 6, hours 5-11 => coffee => date
weekdays => weekdays 0 1 2 3 4 => - => date
today => 2026-11-21 => - => date
yesterday's dinner => 2026-11-20 => dinner => date
two years ago => 2024-01-01..2024-12-31 => - => date
a week ago => 2026-11-09..2026-11-15 => - => date
last 3 months => 2026-08-21..2026-11-21 => - => date
past two weeks => 2026-11-07..2026-11-21 => - => date
last night => 2026-11-20..2026-11-21, hours 19-5 => - => date
beach at night => hours 19-5? => beach at night => time
photos taken at night => hours 19-5 => - => time
coffee in the morning => hours 5-11 => coffee => time
night sky => - => night sky => -
mountains at sunset => - => mountains at sunset => -
해 질 때 바다 => - => 해 질 때 바다 => -
beach at sunrise 2019 => 2019-01-01..2019-12-31 => beach at sunrise => date
3pm coffee => hours 15-16 => coffee => time
2031 => - => 2031 => -
1080 ti => - => 1080 ti => -
# names
부산 => in 부산 => - => place
부산에서 => in 부산 => - => place
부산의 밤 => in 부산 => 밤 => place
부산바다 => in 부산 => 바다 => place
부산시장 => in 부산 => 시장 => place
서울역 => - => 서울역 => -
제주도 바다 => in 제주 => 바다 => place
New York at night => in New York, hours 19-5 => - => place time
newyork pizza => in New York => pizza => place
photos from Nice => in Nice => - => place
dog in nice weather => - => dog in nice weather => label
sandwich => - => sandwich => -
in turkey => in Turkey => - => place
roast Turkey => in Turkey => roast => place
공주 드레스 => - => 공주 드레스 => -
공주에서 찍은 사진 => in 공주 => - => place
경주 여행 => in 경주 => 여행 => place
뉴욕에서 찍은 야경 => in 뉴욕 => 야경 => place
아이폰으로 찍은 야경 => by iPhone => 야경 => camera
아이폰15 사진 => by iPhone 15 => - => camera
taken with iPhone 15 => by iPhone 15 => - => camera
shot on iPhone 15 Pro in Jeju => by iPhone 15 Pro, in Jeju => - => camera place
Pixel => by Pixel => - => camera
canon 2019 => 2019-01-01..2019-12-31, by Canon => - => camera date
apple pie => - => apple pie => -
taken with apple => by Apple => - => camera
50mm => lens 50mm => - => lens
24-70mm 풍경 => lens 24-70mm => 풍경 => lens
15 => - => 15 => -
label:dog => label dog => - => label
dog => - => dog (dog) => label
Dog! => - => Dog! (dog) => label
a dog => - => a dog (dog) => label
강아지 사진 => - => 강아지 => -
two dogs => - => two dogs => -
Dogs => - => Dogs (dog) => label
my hot dogs => - => my hot dogs (Hot Dog) => label
#dogs => label dog => - => label
멍멍이 => - => 멍멍이 (dog) => label
개가 => - => 개가 (개) => label
개나리 => - => 개나리 => -
kitty + dog => - => kitty (야옹이) + dog (dog) => label label
dog + beach => - => dog (dog) + beach => label look
dog, beach => - => dog, beach => label
dog 2019 => 2019-01-01..2019-12-31 => dog (dog) => label date
my dog and a hot dog => - => my dog and a hot dog (dog, Hot Dog) => label label
dog and cat => - => dog and cat => -
dog or kitty => - => dog or kitty => -
가족이랑 야옹이 => - => 가족이랑 야옹이 (가족, 야옹이) => label label
labelled dog => label dog => - => label
#멍멍이 => label dog => - => label
hot dog => - => hot dog (Hot Dog) => label
black dog => - => black dog => -
라벨:가족 => label 가족 => - => label
이름표:가족 => label 가족 => - => label
가족 2019 => 2019-01-01..2019-12-31 => 가족 (가족) => label date
가족 바다 => - => 가족 바다 => -
#가족 2019 => 2019-01-01..2019-12-31, label 가족 => - => label date
#1 fan => - => #1 fan => -
label:"best of" => label best of => - => label
# kinds of photos
jpeg 파일 => JPEG => - => type
heic photos => HEIC => - => type
png 파일 제외 => not PNG => - => -type
raw => RAW => - => type
raw fish => - => raw fish => -
raw photos => RAW => - => type
gif => GIF => - => type
가로 사진 => landscape => - => shape
세로 => portrait => - => shape
가로등 => - => 가로등 => -
가로 줄무늬 => - => 가로 줄무늬 => -
세로로 찍은 사진 => portrait => - => shape
landscape photos => - => landscape => -
landscape orientation => landscape => - => shape
vertical photos of dogs => portrait => dogs (dog) => shape label
horizontal stripes => - => horizontal stripes => -
portrait of a woman => - => portrait of a woman => -
square photos => square => - => shape
screenshots from 2019 => 2019-01-01..2019-12-31, screenshot => - => screenshot date
스크린샷 제외 => not screenshot => - => -screenshot
화면캡처 => screenshot => - => screenshot
favorites => favourite => - => favourite
즐겨찾기 2019년 => 2019-01-01..2019-12-31, favourite => - => favourite date
starred dogs => favourite => dogs (dog) => favourite label
with captions => captioned => - => caption
without caption => not captioned => - => -caption
설명 있는 사진 => captioned => - => caption
설명 없는 사진 => not captioned => - => -caption
with location => placed => - => place
위치 없는 사진 => not placed => - => -place
# exclusion
사람 없는 해변 => - => 해변 without 사람 => -look
사람없는해변 => - => 해변 without 사람 => -look
고양이 말고 강아지 => - => 강아지 without 고양이 => -look
고양이가 없는 마당 => - => 마당 without 고양이 => -look
고양이 없는 마당 => - => 마당 without 고양이 => -look
빨간 차 없는 거리 => - => 거리 without 빨간 차 => -look
눈 오는 날 사람 없는 거리 => - => 눈 오는 날 거리 without 사람 => -look
사람이랑 차 없는 거리 => - => 거리 without 사람 without 차 => -look
사람 안 나온 풍경 => - => 풍경 without 사람 => -look
강아지 없이 => - => without 강아지 => -look
사람 빼고 => - => without 사람 => -look
끝없는 바다 => - => 끝없는 바다 => -
말고기 => - => 말고기 => -
부산 말고 제주 => in 제주, not in 부산 => - => -place place
부산이랑 서울 말고 제주 => in 제주, not in 부산, not in 서울 => - => -place place
2019년 말고 강아지 => not 2019-01-01..2019-12-31 => 강아지 => -date
주말 제외 => not weekdays 5 6 => - => -date
가족이 아닌 사람 => not label 가족 => 사람 without 가족 (가족) => -label
설명 없는 사진 말고 => captioned => - => caption
beach without people => - => beach without people => -look
beach without people at night => hours 19-5? => beach at night without people => -look time
beach without people or cars => - => beach without people without cars => -look
without people and on the beach => - => on the beach without people => -look
cat without a collar on the sofa => - => cat on the sofa without collar => -look
dogs but not cats => - => dogs (dog) without cats => label -look
no people => - => without people => -look
no smoking sign => - => no smoking sign => -
not in busan => not in Busan => - => -place
except 2019 and 2020 => not 2019-01-01..2019-12-31, not 2020-01-01..2020-12-31 => - => -date
without screenshots => not screenshot => - => -screenshot
dogs -cats => - => dogs (dog) without cats => label -look
-2019 dogs => not 2019-01-01..2019-12-31 => dogs (dog) => -date label
-부산 해변 => not in 부산 => 해변 => -place
-new york pizza => not in New York => pizza => -place
-iphone 사진 => not by iPhone => - => -camera
-dog cat => not label dog => cat without dog (dog) => -label
no 개 or kitty => not label 개, not label 야옹이 => without 개 (개) without kitty (야옹이) => -label
-label:dog cat => not label dog => cat => -label
-t-shirt man => - => man without t-shirt => -look
-"exact words" cat => not writes exact words => cat => -words
-5도 날씨 => - => -5도 날씨 => -
t-shirt => - => t-shirt => -
black-and-white cat => - => black-and-white cat => -
# operators
"happy birthday" 2019 => 2019-01-01..2019-12-31, writes happy birthday => - => words date
“생일 축하” 케이크 => writes 생일 축하 => 케이크 => words
'happy birthday' cake => writes happy birthday => cake => words
「생일 축하」 => writes 생일 축하 => - => words
don't stop => - => don't stop => -
"unbalanced cat => - => "unbalanced cat => -
2:강아지 해변 => - => 2:강아지 / 해변 => look
0.5:"red car" beach => - => 0.5:red car / beach => look
100:cat 0.01:beach => - => 10:cat / 0.1:beach => look look
1:dog => - => dog => look
10:30 train => - => 10:30 train => -
바다 + 강아지 => - => 바다 + 강아지 => look look
강아지+바다 => - => 강아지 + 바다 => look look
red car + blue sky + 2019 => 2019-01-01..2019-12-31 => red car + blue sky => look look date
바다 + 강아지 -사람 => - => 바다 + 강아지 without 사람 => look look -look
2:바다 + 3:"흰 강아지" => - => 2:바다 + 3:흰 강아지 => look look
c++ book => - => c++ book => -
+ 바다 => - => 바다 => -
- => - => - => -
- - => - => - => -
강아지 - => - => 강아지 => -
- 2019 => 2019-01-01..2019-12-31 => - => date
red - blue => - => red blue => -
🐶 -🐱 => - => 🐶 without 🐱 => -look
# filling
강아지 사진 보여줘 => - => 강아지 => -
작년 사진 보여줘 => 2025-01-01..2025-12-31 => - => date
show me photos of cats => - => cats => -
all my photos of cats in 2019 => 2019-01-01..2019-12-31 => cats => date
2019 and cats => 2019-01-01..2019-12-31 => cats => date
cats, 2019, beach => 2019-01-01..2019-12-31 => cats, beach => date
강아지 (2019) => 2019-01-01..2019-12-31 => 강아지 => date
사진 찍는 사람 => - => 사진 찍는 사람 => -
강아지가 뛰는 사진 => - => 강아지가 뛰는 사진 => -
person holding a photo => - => person holding a photo => -
사진 => - => 사진 => -
??? => - => ??? => -
+ => - => + => -
ＣＡＴ ２０１９ => 2019-01-01..2019-12-31 => ＣＡＴ => date
눈 오는 날 강아지 => - => 눈 오는 날 강아지 => -
wolf or fox => - => wolf or fox => -
늑대나 여우 => - => 늑대나 여우 => -
작년 여름 in Busan cats => 2025-06-01..2025-08-31, in Busan => cats => date place
2019년 beach without 사람 => 2019-01-01..2019-12-31 => beach without 사람 => date -look
# as people type
부산 갔을 때 찍은 사진 => in 부산 => - => place
서울 바다 사진 중에 사람 없는 것 => in 서울 => 바다 without 사람 => place -look
아이 없이 찍은 사진 => - => without 아이 => -look
사람 하나도 없는 바다 => - => 바다 without 사람 => -look
아무도 없는 바다 => - => 아무도 없는 바다 => -
음식 사진 말고 풍경 => - => 풍경 without 음식 => -look
아이폰 15 프로로 찍은 사진 => by iPhone 15 Pro => - => camera
소니로 찍은 사진 => by SONY => - => camera
show me everything from 2019 => 2019-01-01..2019-12-31 => - => date
2019년과 2020년 => 2019-01-01..2019-12-31, 2020-01-01..2020-12-31 => - => date date
cats in march or april => months 3, months 4 => cats => date date
pictures taken in paris in 2018 => 2018-01-01..2018-12-31, in Paris => - => place date
our trip to Jeju in may => in Jeju, months 5 => our trip => place date
people but no cars => - => people without cars => -look
man with a hat, no glasses => - => man with a hat without glasses => -look
2019년8월 => 2019-08-01..2019-08-31 => - => date
1월 1일 => days 1-1 => - => date
feb 29 2019 => - => feb 29 2019 => - => notice
작년 여름휴가 => 2025-06-01..2025-08-31 => 휴가 => date
고양이는 빼고 강아지만 => - => 강아지만 without 고양이 => -look
"""
ROWS = [
    tuple(part.strip() for part in line.split("=>"))
    for line in SENTENCES.splitlines()
    if line and not line.startswith("# ")
]
TEXTS = [row[0] for row in ROWS]


@pytest.mark.parametrize(("text", "expected"), [(row[0], row[1:]) for row in ROWS], ids=TEXTS)
def test_a_sentence_is_understood(text, expected):
    query = parse(text, NAMES, TODAY)

    found = [facts_of(query), looks_of(query).strip(), chips_of(query)]
    assert [part or "-" for part in found] + ["notice"] * len(query.notices) == list(expected)


# ---- what holds for every sentence ---------------------------------------------------------


def seen(text: str, query: Query) -> list[tuple[object, ...]]:
    """The chips of a query with their words, wherever they stand."""
    return [
        (chip.kind, chip.excluded, chip.first, chip.last, text[chip.start : chip.end])
        for chip in query.chips
    ]


def is_plain(chip: Chip, text: str) -> bool:
    """A look that is a chip only because + asks for another one beside it."""
    return (
        chip.kind == "look" and not chip.excluded and not re.match(r"[\d.]+:", text[chip.start :])
    )


@pytest.mark.parametrize("text", TEXTS)
def test_chip_removal_leaves_the_other_chips(text):
    before = parse(text, NAMES, TODAY)

    for i, chip in enumerate(before.chips):
        rest = text[: chip.start] + text[chip.end :]
        for cut in (rest, without_chip(text, chip)):
            after = parse(cut, NAMES, TODAY)
            others = [one for j, one in enumerate(seen(text, before)) if j != i]
            if len(after.groups) < 2:  # the last look that + leaves is no chip any more
                others = [
                    one
                    for j, one in enumerate(seen(text, before))
                    if j != i and not is_plain(before.chips[j], text)
                ]
            assert seen(cut, after) == others
            assert set(after.unwanted) <= set(before.unwanted)
            dates = sum(chip.kind == "date" for chip in before.chips)
            assert dates > 1 or set(after.conditions) <= set(before.conditions)


FILLERS = re.compile(
    "(?:"
    + "|".join(
        re.escape(word)
        for row in (
            *(words.OPENERS, words.CLOSERS, words.PHOTOS),
            *(words.PHOTOS_OF, words.JOINS, ["of"]),
        )
        for phrase in row
        for word in phrase.split()
    )
    + ")+"
)
"""Whatever the table lists as words that may be left out, also without blanks between them."""


def dropped(text: str, query: Query) -> list[str]:
    """Words of the text that are in no chip, no look and no list of fillers."""
    rest = text
    for chip in reversed(query.chips):
        rest = f"{rest[: chip.start]} {rest[chip.end :]}"
    looked_for = " ".join([query.visual, *query.unwanted])
    return [
        word
        for word in re.findall(r"[가-힣]+|[^\W가-힣]+|[^\w\s,;()\[\]{}+]+", rest)
        if word.strip(words.PUNCTUATION)
        and word not in looked_for
        and not FILLERS.fullmatch(word.lower())
    ]


@pytest.mark.parametrize("text", TEXTS)
def test_nothing_is_dropped_silently(text):
    assert dropped(text, parse(text, NAMES, TODAY)) == []


WORDS = re.findall(
    r"\S+",
    """
    강아지 cat 사람 people 없는 without 말고 no -사람 -2019 2019년 8월 작년 여름 last summer in the
    Busan 부산에서 찍은 사진 photos of 2:바다 + , and or "생일 축하" 'two words' night at 밤에 설날
    christmas tree 2019-02-30 march may nice #가족 label:dog dog raw 가로 이랑 빨간 차 on beach
    보여줘 show me from to 2018-2020 부터 까지 before since : - " 😀 ?! c++ iphone 15 으로 50mm
    """,
)


def random_sentence(seed: int) -> str:
    chosen = random.Random(seed)
    words = chosen.choices(WORDS, k=chosen.randrange(1, 12))
    return "".join(word + chosen.choice([" ", " ", " ", "  ", ""]) for word in words)


@pytest.mark.parametrize("start", range(0, 800, 200))
def test_no_heap_of_words_is_dropped_or_raises(start):
    for seed in range(start, start + 200):
        text = random_sentence(seed)
        query = parse(text, NAMES, TODAY)

        assert dropped(text, query) == [], text
        assert query == parse(text, NAMES, TODAY)
        assert all(0 <= chip.start < chip.end <= len(text) for chip in query.chips)
        ends = [0, *(chip.end for chip in query.chips)]
        assert all(end <= chip.start for end, chip in zip(ends, query.chips, strict=False)), text


@pytest.mark.parametrize("text", TEXTS)
def test_decomposed_letters_mean_the_same_as_composed_ones(text):
    apart = unicodedata.normalize("NFD", text)
    query, composed = parse(apart, NAMES, TODAY), parse(text, NAMES, TODAY)

    assert (query.conditions, query.groups, query.unwanted) == (
        *(composed.conditions, composed.groups, composed.unwanted),
    )
    assert [unicodedata.normalize("NFC", str(chip[4])) for chip in seen(apart, query)] == [
        chip[4] for chip in seen(text, composed)
    ]


HEAPS = [
    *(
        "dog ",
        "my dog and ",
        "작년",
        "부산에서 ",
        '" ',
        "'a ",
        "+",
        "+ ",
        "-",
        "-a ",
        "2:",
        "label:",
        "2019-",
        "1",
    ),
    *("사람 없는 ", "without ", "a\u0301\u0323", "\u1112\u1161\u11ab", "\u202eשלום ", "\x00\x1b"),
    *("\ud800", "😀", "no or ", "빨간 ", "the ", "설날 ", "from 2018 to ", "사람이랑 ", " ", "「"),
    *("999년 전 ", "99999 years ago ", "last 999 years "),
]


@pytest.mark.parametrize("piece", HEAPS)
def test_a_hostile_heap_is_a_query_too(piece):
    text = piece * (20_000 // len(piece))
    query = parse(text, NAMES, TODAY)

    assert query.text == text
    visible = any(unicodedata.category(character)[0] not in "CZ" for character in text)
    assert bool(query.groups or query.conditions or query.unwanted) == visible


def cpu_time(text: str) -> float:
    """Seconds of this thread for one query, of the fastest of three."""
    times = []
    for _ in range(3):
        start = time.thread_time()
        query = parse(text, NAMES, TODAY)
        for phrase in (query.visual, *query.unwanted):
            plain(phrase)
        times.append(time.thread_time() - start)
    return min(times)


GROWING = [
    *HEAPS,
    *("🐶", "눈오는날", "제주도여행", "a+", "a, ", "(", "#", "#가족 ", '-"a', "2:"),
    *TEXTS[::20],
]


@pytest.mark.parametrize("piece", GROWING)
def test_time_grows_with_the_length(piece):
    """Four times the length may take six times as long, where its square would take sixteen."""
    short, long = (piece * (size // len(piece)) for size in (500, 2_000))

    assert any(cpu_time(long) < 6 * cpu_time(short) + 0.001 for _ in range(4))


def test_number_of_things_is_limited():
    words = [f"{letter}{vowel}" for letter in "bcdfgh" for vowel in "aeiou"]
    looks = parse(" + ".join(words), NAMES, TODAY)
    unwanted = parse("x " + " ".join(f"-{word}" for word in words), NAMES, TODAY)
    weighted = parse(" ".join(f"2:{word}" for word in words), NAMES, TODAY)

    assert [group[0].text for group in looks.groups] == words[:MOST_LOOKS]
    assert unwanted.unwanted == tuple(words[:MOST_LOOKS])
    assert [len(group) for group in weighted.groups] == [MOST_LOOKS]
    for query in (looks, unwanted, weighted):
        (notice,) = query.notices
        assert f"{MOST_LOOKS} things at most" in notice


def test_moving_feast_keeps_the_named_year():
    assert facts_of(parse("2019년 부산 설날", NAMES, TODAY)) == "2019-02-04..2019-02-06, in 부산"
    assert facts_of(parse("설날 부산 2015년 이후 2017년 이전", NAMES, TODAY)) == (
        "2015-02-18..2015-02-20, 2016-02-07..2016-02-09, 2017-01-27..2017-01-29, in 부산"
    )


def test_open_ranges_intersect_and_contradictions_are_alternatives():
    assert facts_of(parse("since 2010 cats before 2015", NAMES, TODAY)) == "2010-01-01..2014-12-31"
    assert facts_of(parse("before 2010 cats since 2015", NAMES, TODAY)) == (
        "..2009-12-31, 2015-01-01.."
    )
    assert facts_of(parse("2018 cats 2020 since 2019", NAMES, TODAY)) == "2020-01-01..2020-12-31"


@pytest.mark.parametrize("text", ["", "   ", "\t\n", "\u200b", "\x00"])
def test_blanks_are_an_empty_query(text):
    assert parse(text, NAMES, TODAY) == Query(text)


def test_impossible_day_gets_notice_and_stays_a_look():
    query = parse("2019-02-30 강아지", NAMES, TODAY)

    assert query.notices == ("There is no such day as “2019-02-30”, so it is looked for as words.",)
    assert query.visual == "2019-02-30 강아지"


def test_ambiguous_day_gets_notice():
    (notice,) = parse("8/3/2019", NAMES, TODAY).notices

    assert "“8/3/2019” could be two days" in notice
    assert "2019-08-03" in notice


@pytest.mark.parametrize(
    ("text", "number", "rest"),
    [
        ("바다 + 강아지", 0, "강아지"),
        ("바다 + 강아지", 1, "바다"),
        ("a + b + c", 1, "a + c"),
        ("작년 여름  강아지", 0, "강아지"),
        ("beach without people at night", 0, "beach at night"),
        ("강아지  2019년   부산", 0, "강아지 부산"),
    ],
)
def test_text_without_a_chip_is_tidy(text, number, rest):
    assert without_chip(text, parse(text, NAMES, TODAY).chips[number]) == rest


def test_names_count_however_they_are_spaced_and_spelled():
    for text in ("NEW YORK", "newyork", "new york", "New  York", "ｎｅｗ ｙｏｒｋ"):
        assert facts_of(parse(f"cats in {text}", NAMES, TODAY)) == "in New York"
    assert facts_of(parse("zurich", KnownNames(frozenset({"Zürich"})), TODAY)) == "in Zürich"


def test_label_stands_between_fillers_and_facts():
    query = parse("photos of dogs in Busan last summer", NAMES, TODAY)

    assert (facts_of(query), looks_of(query), chips_of(query)) == (
        *("2026-06-01..2026-08-31, in Busan", "dogs (dog)", "label place date"),
    )


def test_label_at_night_is_a_look():
    query = parse("dog at night", NAMES, TODAY)

    assert (facts_of(query), looks_of(query)) == ("hours 19-5?", "dog at night (dog)")


def test_label_chip_names_label_and_strictness():
    texts = ("멍멍이", "label:멍멍이", "-dog", "without my dog", "-#dog", 'label:"new name"')
    chips = [parse(text, NAMES, TODAY).chips[-1] for text in texts]

    assert [(chip.label, chip.strict) for chip in chips] == [
        ("dog", False),
        ("dog", True),
        ("dog", False),
        ("dog", False),
        ("dog", True),
        ("new name", True),
    ]


def test_unknown_name_stays_a_look():
    query = parse("부산에서 찍은 강아지", KnownNames(), TODAY)

    assert query.conditions == ()
    assert query.visual == "부산에서 찍은 강아지"


@pytest.mark.parametrize("text", ["#여행", "label:여행", "-#family", "#Dog"])
def test_marked_keyword_is_a_label(text):
    names = KnownNames(labels=frozenset({"dog"}), keywords=frozenset({"여행", "Family", "Dog"}))

    (condition,) = parse(text, names, TODAY).conditions

    assert condition.excluded == text.startswith("-")
    assert condition.fact in {Labelled(name, or_keyword=True) for name in ("여행", "Family", "Dog")}


def test_bare_keyword_is_searched_as_words():
    query = parse("여행", KnownNames(keywords=frozenset({"여행"})), TODAY)

    assert (query.conditions, query.visual) == ((), "여행")


def test_the_longest_name_wins():
    names = KnownNames(places=frozenset({"York", "New York"}), labels=frozenset({"New"}))

    assert facts_of(parse("new york", names, TODAY)) == "in New York"
