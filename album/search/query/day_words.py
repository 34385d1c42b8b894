"""Vocabulary of days: months, seasons, feasts and ways to count back.

The first part of the table, and how to add to it, is `words.py`.
"""

from __future__ import annotations

from typing import Final

from album.search.query.words import words

MONTHS: Final = words(
    "january, february, march, april, may, june, july, august, september, october, november,"
    " december"
)
SHORT_MONTHS: Final = {
    **{"jan": 1, "feb": 2, "mar": 3, "apr": 4, "jun": 6, "jul": 7, "aug": 8},
    **{"sep": 9, "sept": 9, "oct": 10, "nov": 11, "dec": 12},
}
SEASONS: Final = {
    (3, 5): "spring, springtime, 봄, 봄철",
    (6, 8): "summer, summertime, 여름, 여름철",
    (9, 11): "autumn, fall, 가을, 가을철",
    (12, 2): "winter, wintertime, 겨울, 겨울철, 겨울방학, 겨울 방학",
    (7, 8): "여름방학, 여름 방학",
}
"""First and last month. A winter counts to the year it begins in."""
PARTS_OF_YEARS: Final = {
    (1, 2): "초",
    (11, 12): "말",
    (1, 6): "상반기",
    (7, 12): "하반기",
}
PARTS_OF_MONTHS: Final = {(1, 10): "초순, 초", (11, 20): "중순", (21, 31): "하순, 말"}
ENDS_OF_YEARS: Final = {(12, 12): "연말, 년말", (1, 1): "연초, 년초"}

FEASTS_OF_THE_SUN: Final = {
    ((12, 24), (12, 25)): "크리스마스, 성탄절, 성탄, christmas, christmas day, xmas, x-mas",
    ((12, 24), (12, 24)): "크리스마스 이브, 크리스마스이브, 성탄 전야, christmas eve",
    ((12, 31), (12, 31)): "new year's eve, 제야, 섣달그믐",
    ((1, 1), (1, 1)): "새해, 새해 첫날, 신정, new year, new year's, new year's day",
    ((2, 14), (2, 14)): "밸런타인데이, 발렌타인데이, 밸런타인 데이, 발렌타인 데이,"
    " valentine's day, valentines",
    ((3, 14), (3, 14)): "화이트데이, 화이트 데이",
    ((3, 1), (3, 1)): "삼일절, 3.1절, 3·1절",
    ((4, 1), (4, 1)): "만우절, april fools' day, april fool's day",
    ((4, 5), (4, 5)): "식목일",
    ((5, 1), (5, 1)): "근로자의 날, 노동절",
    ((5, 5), (5, 5)): "어린이날, 어린이 날, children's day",
    ((5, 8), (5, 8)): "어버이날, 어버이 날, parents' day",
    ((5, 15), (5, 15)): "스승의 날, 스승의날, teacher's day, teachers' day",
    ((6, 6), (6, 6)): "현충일",
    ((7, 4), (7, 4)): "independence day, 4th of july, fourth of july",
    ((7, 17), (7, 17)): "제헌절",
    ((8, 15), (8, 15)): "광복절, liberation day",
    ((10, 3), (10, 3)): "개천절",
    ((10, 9), (10, 9)): "한글날, 한글 날, hangul day",
    ((10, 31), (10, 31)): "핼러윈, 할로윈, 핼로윈, 할러윈, 핼러윈데이, 할로윈데이,"
    " halloween, hallowe'en",
    ((11, 11), (11, 11)): "빼빼로데이, 빼빼로 데이",
}
"""First and last (month, day)."""
FEASTS_OF_THE_MOON: Final = {
    (1, 1, 1): "설날, 설 연휴, 설연휴, 설 명절, 구정, 음력설, 음력 설, lunar new year,"
    " chinese new year, korean new year, seollal",
    (8, 15, 1): "추석, 추석 연휴, 추석연휴, 한가위, 중추절, chuseok, korean thanksgiving,"
    " mid-autumn festival",
    (1, 15, 0): "정월대보름, 정월 대보름, 대보름",
    (4, 8, 0): "부처님 오신 날, 부처님오신날, 석가탄신일, 초파일, buddha's birthday",
    (5, 5, 0): "단오, 단옷날",
    (7, 7, 0): "칠석",
}
"""Month and day of the moon's calendar, and how many days before and after belong to it."""
FEASTS_OF_A_WEEKDAY: Final = {
    (11, 3, 4): "thanksgiving, thanksgiving day, 추수감사절",
    (5, 6, 2): "mother's day",
    (6, 6, 3): "father's day",
}
"""Month, weekday (0 is Monday), and which one in the month."""
EXAM: Final = "수능, 수능날, 수능 날, 수능일, 대학수학능력시험"
EXAM_DAYS: Final = (
    *("1994-11-23", "1995-11-22", "1996-11-13", "1997-11-19", "1998-11-18", "1999-11-17"),
    *("2000-11-15", "2001-11-07", "2002-11-06", "2003-11-05", "2004-11-17", "2005-11-23"),
    *("2006-11-16", "2007-11-15", "2008-11-13", "2009-11-12", "2010-11-18", "2011-11-10"),
    *("2012-11-08", "2013-11-07", "2014-11-13", "2015-11-12", "2016-11-17", "2017-11-23"),
    *("2018-11-15", "2019-11-14", "2020-12-03", "2021-11-18", "2022-11-17", "2023-11-16"),
    *("2024-11-14", "2025-11-13", "2026-11-19", "2027-11-18"),
)
"""Days of Korea's college entrance exam, which follow no rule."""
EASTER: Final = "easter, easter sunday, 부활절"

WEEKDAYS: Final = {
    (0,): "월요일, monday, mondays",
    (1,): "화요일, tuesday, tuesdays",
    (2,): "수요일, wednesday, wednesdays",
    (3,): "목요일, thursday, thursdays",
    (4,): "금요일, friday, fridays",
    (5,): "토요일, saturday, saturdays",
    (6,): "일요일, sunday, sundays",
    (5, 6): "주말, weekend, weekends",
    (0, 1, 2, 3, 4): "평일, 주중, weekday, weekdays",
}
YEARS: Final = {
    -2: "재작년, 지지난해, 지지난 해, the year before last, year before last",
    -1: "작년, 작년도, 지난해, 지난 해, last year, last year's, previous year",
    0: "올해, 금년, this year, this year's",
    1: "내년, next year",
}
"""Counted from this one."""
DAYS: Final = {
    0: "오늘, 금일, today, today's",
    1: "어제, 어저께, yesterday, yesterday's",
    2: "그제, 그저께, 엊그제, 엊그저께, the day before yesterday, day before yesterday",
}
"""How many days ago."""
WEEKS: Final = {
    0: "이번 주, 이번주, 금주, this week",
    1: "지난주, 지난 주, 저번주, 저번 주, last week",
    2: "지지난주, 지지난 주, 저저번주, 저저번 주, the week before last",
}
MONTHS_AGO: Final = {
    0: "이번 달, 이번달, 이달, this month",
    1: "지난달, 지난 달, 저번달, 저번 달, last month",
    2: "지지난달, 지지난 달, 저저번달, the month before last",
}
LATELY: Final = "최근, 최근에, 요즘, 요새, recent, most recent, latest, recently, lately"
LAST: Final = "last, past, previous, 지난, 지난번, 저번"
THIS: Final = "this, 이번, 올"
NUMBERS: Final = {
    1: "한, 일, a, an, one",
    2: "두, 이, two, couple of, a couple of",
    3: "세, 석, 삼, three",
    4: "네, 넉, four",
    5: "다섯, five",
    6: "여섯, six",
    7: "일곱, seven",
    8: "여덟, eight",
    9: "아홉, nine",
    10: "열, ten",
    12: "열두, twelve",
}
SPANS_OF_DAYS: Final = {
    1: "하루",
    2: "이틀",
    3: "사흘",
    4: "나흘",
    7: "일주일",
    10: "열흘",
    15: "보름",
}
NOT_AFTER_A_YEAR: Final = words("생, 산, 형, 식, 차, 째, 간, 대, 만, 된, 동안, 친구")
"""Right behind 년 they make it another thing: 2019년생, 10년째."""
WESTERN_FEASTS: Final = words(
    "christmas, xmas, halloween, easter, thanksgiving, valentine's day, valentines,"
    " 크리스마스, 성탄절, 성탄, 핼러윈, 할로윈, 핼로윈, 부활절, 추수감사절, 밸런타인데이,"
    " 발렌타인데이"
)
"""Feasts with things of their own to see."""
