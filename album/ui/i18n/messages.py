"""Every word on the page, in English and Korean, each written for its own readers.

`i18n(key)` gives a component text that the browser translates; `say(language, key)` words what a
handler returns, in the language that the browser asked for.
"""

from __future__ import annotations

from typing import Final

import gradio as gr
from gradio.i18n import I18nData

from album.ui.i18n.caption_messages import CAPTION_TEXTS
from album.ui.i18n.export_messages import EXPORT_TEXTS

LANGUAGES: Final = ("en", "ko")

TEXTS: Final[dict[str, tuple[str, str]]] = {
    **CAPTION_TEXTS,
    # The frame
    "album": ("Photo album", "사진첩"),
    "search": ("Search", "찾기"),
    "upload": ("Add photos", "사진 넣기"),
    "classify": ("Classify", "분류"),
    "about": ("About this album", "이 사진첩에 대하여"),
    "photo_count": ("{n:,} photos", "사진 {n:,}장"),
    "one_photo": ("1 photo", "사진 1장"),
    "model_loading": ("loading the model", "모델을 불러오는 중"),
    "model_ready": ("{model} ready", "{model} 준비됨"),
    "model_stand_in": (
        "{model} until the full model is here",
        "큰 모델이 올 때까지 {model}",
    ),
    "model_fetching": (
        "{model} while the full model is fetched",
        "큰 모델을 받는 동안 {model}",
    ),
    "encoding": ("learning {done:,} of {total:,}", "{total:,}장 중 {done:,}장 익히는 중"),
    "importing": ("adding {done:,} of {total:,}", "{total:,}장 중 {done:,}장 넣는 중"),
    "import_begins": ("looking for photos", "사진을 찾아보는 중"),
    "importing_paused": (
        "paused at {done:,} of {total:,}",
        "{total:,}장 중 {done:,}장에서 멈춤",
    ),
    "importing_interrupted": (
        "interrupted at {done:,} of {total:,}",
        "{total:,}장 중 {done:,}장에서 중단됨",
    ),
    # What fails in the background, and is tried again
    "background_problem": ("trouble with {work}, trying again", "{work} 문제, 다시 시도하는 중"),
    "work_captions": ("captions", "사진 설명"),
    "work_encoding": ("learning photos", "사진 익히기"),
    "work_folders": ("watched folders", "폴더 살피기"),
    "work_thumbnails": ("thumbnails", "작은 사진"),
    "work_texts": ("the index of texts", "글 찾아보기"),
    "work_searches": ("preparing searches", "찾기 준비"),
    "work_labels": ("automatic labels", "자동 이름표"),
    # Search
    "query": ("What does the photo show?", "어떤 사진을 찾으세요?"),
    "query_hint": (
        "Say it in words — “a dog in the snow”",
        "사진을 말로 찾아보세요 — “눈 오는 날 강아지”",
    ),
    "picture": ("Picture", "그림으로"),
    "find": ("Search", "찾기"),
    "filters": ("Filters", "조건"),
    "after": ("Taken from", "찍은 날부터"),
    "before": ("Taken until", "찍은 날까지"),
    "day_hint": ("2019-08-03, 2019", "2019-08-03, 2019"),
    "camera": ("Camera", "카메라"),
    "orientation": ("Shape", "모양"),
    "file_type": ("File type", "파일 종류"),
    "place": ("Place", "장소"),
    "caption_filter": ("Caption", "설명"),
    "label_filter": ("Label", "이름표"),
    "any": ("any", "모두"),
    "landscape": ("wide", "가로"),
    "portrait": ("tall", "세로"),
    "square": ("square", "정사각형"),
    "with": ("with", "있음"),
    "without": ("without", "없음"),
    "clear_filters": ("Clear filters", "조건 지우기"),
    "newest_first": ("{count}, newest first", "{count}, 최신순"),
    "no_match": ("No photo fits.", "조건에 맞는 사진이 없습니다."),
    "match_count": ("{n:,} photos match", "{n:,}장이 맞습니다"),
    "one_match": ("1 photo matches", "1장이 맞습니다"),
    "maybe_count": ("{n:,} maybe", "아마도 {n:,}장"),
    "only_maybe_count": ("{n:,} photos may match", "맞을지도 모르는 사진 {n:,}장"),
    "one_only_maybe": ("1 photo may match", "맞을지도 모르는 사진 1장"),
    "left_out_count": (
        "{n:,} left out because they show “{what}”",
        "“{what}” 때문에 뺀 사진 {n:,}장",
    ),
    "one_left_out": ("1 left out because it shows “{what}”", "“{what}” 때문에 뺀 사진 1장"),
    "no_such": ("There is no such photo.", "그런 사진은 없습니다."),
    "no_such_like": ("No other photo is like it.", "비슷한 사진이 없습니다."),
    "loosen": ("Try it without one of these: {what}.", "이 가운데 하나를 빼 보세요: {what}."),
    "the_filters": ("the filters", "조건"),
    "loosen_words": ("Try other words, or fewer.", "다른 말이나 더 짧은 말로 찾아보세요."),
    "band_maybe": ("Maybe", "아마도"),
    "band_rest": ("The rest", "나머지"),
    "band_nearest": ("The nearest are:", "가장 가까운 사진은 이렇습니다."),
    "show_rest_count": ("Show the other {n:,} photos", "나머지 {n:,}장도 보기"),
    "one_show_rest": ("Show the other photo", "나머지 1장도 보기"),
    "band_all": ("All, the nearest first", "모든 사진, 가까운 순"),
    "hide_rest_nearest": ("Show only the nearest", "가장 가까운 사진만 보기"),
    "hide_rest": ("Show only what matches", "맞는 사진만 보기"),
    "sort": ("Order", "순서"),
    "sort_best": ("Best first", "가까운 순"),
    "sort_date": ("By date", "날짜순"),
    "remove": ("Remove “{what}”", "“{what}” 빼기"),
    "left_out_chip": ("left out:", "뺄 것:"),
    "since_day": ("since {day}", "{day}부터"),
    "until_day": ("until {day}", "{day}까지"),
    "day_of_month": ("{day} {month} {year}", "{year}년 {month} {day}일"),
    "month_of_year": ("{month} {year}", "{year}년 {month}"),
    "months_of_year": ("{first}–{last} {year}", "{year}년 {first}–{last}"),
    "one_year": ("{year}", "{year}년"),
    "years": ("{first}–{last}", "{first}–{last}년"),
    "this_moment": ("this moment", "같은 순간"),
    "burst_badge": ("{n:,} shots", "{n:,}장"),
    "burst_open_count": ("{n:,} photos of this moment", "같은 순간에 찍은 사진 {n:,}장"),
    "one_burst_open": ("1 photo of this moment", "같은 순간에 찍은 사진 1장"),
    "unread": (
        "This model does not read Korean.",
        "지금 쓰는 모델은 한국어를 읽지 못합니다.",
    ),
    "translate": ("Translate with Gemini", "Gemini로 번역하기"),
    "previous": ("Previous", "이전"),
    "next": ("Next", "다음"),
    "page_of": ("{page:,} of {pages:,}", "{page:,} / {pages:,}"),
    "query_picture": ("like your picture", "올린 그림처럼"),
    "like_photo": ("like this photo", "이 사진처럼"),
    "words_side": ("words", "말"),
    "picture_side": ("picture", "그림"),
    "picture_weight": ("How much the picture counts", "그림의 비중"),
    "results": ("Photos", "사진"),
    # The empty album
    "welcome": ("This album is empty.", "아직 사진이 없습니다."),
    "welcome_more": (
        "Add your photos, then find any of them by saying what it shows.",
        "사진을 넣어 두면, 무엇이 찍혔는지 말하는 것만으로 찾을 수 있습니다.",
    ),
    "samples": ("Try it with sample photos", "예시 사진으로 해 보기"),
    "try_these": ("Try:", "예:"),
    "example_1": ("a big cat", "고양이과 동물"),
    "example_2": ("people at the beach", "바닷가에 있는 사람들"),
    "example_3": ("a dog in the snow", "눈 오는 날 강아지"),
    "example_4": ("food on a table", "식탁 위의 음식"),
    "example_5": ("mountains at sunset", "노을 지는 산"),
    # The photo
    "photo": ("Photo", "사진"),
    "close": ("Close", "닫기"),
    "taken_gps": ("{day} (time of the satellites)", "{day} (위성 시각)"),
    "taken_name": ("{day} (date from the file's name)", "{day} (파일 이름에 적힌 날짜)"),
    "taken_takeout": ("{day} (date from Google Photos)", "{day} (Google 포토에 적힌 날짜)"),
    "taken_file": ("{day} (date of the file)", "{day} (파일 날짜)"),
    "stars": ("{n} of 5 stars", "별점 5점 중 {n}점"),
    "rejected": ("rejected", "제외로 표시됨"),
    "in_country": ("{town}, {country}", "{country} {town}"),
    "exposure": ("{n} s", "{n}초"),
    "not_there": (
        "Its original is not where it was.",
        "원본이 지금 제자리에 없습니다.",
    ),
    "pixels": ("{w:,} × {h:,}", "{w:,} × {h:,}"),
    "favourite": ("favourite", "즐겨찾기"),
    "favourite_no": ("♡ Favourite", "♡ 즐겨찾기"),
    "favourite_yes": ("♥ Favourite", "♥ 즐겨찾기"),
    "why": ("Why it was found", "찾은 까닭"),
    "why_looks": ("Looks like it", "모습이 비슷함"),
    "why_caption": ("Caption", "설명"),
    "why_keyword": ("Keyword", "핵심어"),
    "why_label": ("Label", "이름표"),
    "why_file_name": ("File name", "파일 이름"),
    "why_folder": ("Folder", "폴더"),
    "why_place": ("Place", "장소"),
    "why_text_in_the_picture": ("Text in the picture", "사진 속 글자"),
    "save": ("Save", "저장"),
    "saved": ("Saved.", "저장했습니다."),
    "labels": ("Labels", "이름표"),
    "labels_hint": ("Type a name, press Enter", "이름을 쓰고 Enter"),
    "more_like_this": ("More like this", "비슷한 사진"),
    "classify_this": ("Classify", "분류하기"),
    "download": ("Download original", "원본 받기"),
    # Upload
    "drop_here": ("Drop photos here or choose files", "사진을 끌어다 놓거나 파일을 고르세요"),
    "choose_folder": ("Choose a folder", "폴더 고르기"),
    "formats": (
        "JPEG, HEIC, AVIF, WebP, JPEG XL, JPEG 2000, camera RAW, PNG, GIF, BMP, TIFF, and zips such"
        " as those of Google Takeout. Your originals are kept unchanged.",
        "JPEG, HEIC, AVIF, WebP, JPEG XL, JPEG 2000, 카메라 RAW, PNG, GIF, BMP, TIFF, 그리고 Google"
        " 테이크아웃 같은 zip 파일. 원본은 그대로 보관합니다.",
    ),
    "received": ("{n:,} files received.", "파일 {n:,}개를 받았습니다."),
    "one_received": ("1 file received.", "파일 1개를 받았습니다."),
    # Imports
    "pause": ("Pause", "잠시 멈춤"),
    "go_on": ("Go on", "이어서 하기"),
    "cancel": ("Cancel", "그만하기"),
    "import_at": ("{done:,} of {total:,}", "{total:,}장 중 {done:,}장"),
    "import_paused": ("paused", "잠시 멈춤"),
    "import_interrupted": ("interrupted", "중단됨"),
    "import_waits": ("waiting for its turn", "차례를 기다리는 중"),
    "import_waits_model": ("waiting for the model to be loaded", "모델을 불러오기를 기다리는 중"),
    "imports_waiting": ("then {n:,} more to add", "다음 차례 {n:,}건"),
    "photos_a_second": ("{n} photos a second", "1초에 {n}장"),
    "time_left": ("about {time} left", "약 {time} 남음"),
    "time_s": ("{n} s", "{n}초"),
    "time_min": ("{n} min", "{n}분"),
    "time_hours": ("{h} h", "{h}시간"),
    "time_h": ("{h} h {n} min", "{h}시간 {n}분"),
    "took": ("in {time}", "{time} 걸림"),
    "pausing": ("pausing after the photos in hand…", "하던 사진까지만 넣고 멈춥니다…"),
    "cancelling": ("stopping after the photos in hand…", "하던 사진까지만 넣고 그만둡니다…"),
    "report_added": ("{n:,} added", "{n:,}장 넣음"),
    "report_here": ("{n:,} already here", "{n:,}장은 이미 있음"),
    "report_updated": ("{n:,} updated", "{n:,}장은 바뀌어 다시 읽음"),
    "report_missing": ("{n:,} not there any more", "{n:,}장은 제자리에 없음"),
    "report_failed": ("{n:,} failed", "{n:,}장 실패"),
    "report_cancelled": (
        "Cancelled; what was added stays.",
        "그만두었습니다. 넣은 사진은 남아 있습니다.",
    ),
    "report_paused": ("Paused.", "잠시 멈춰 두었습니다."),
    "report_interrupted": (
        "Interrupted: its program ended in the middle of it.",
        "중간에 프로그램이 끝나서 중단되었습니다.",
    ),
    "left_out": ("Left out: {what}.", "넣지 않음: {what}."),
    "video_count": ("{n:,} videos", "동영상 {n:,}개"),
    "one_video": ("1 video", "동영상 1개"),
    "sound_count": ("{n:,} sound files", "소리 파일 {n:,}개"),
    "one_sound": ("1 sound file", "소리 파일 1개"),
    "document_count": ("{n:,} documents", "문서 {n:,}개"),
    "one_document": ("1 document", "문서 1개"),
    "archive_count": ("{n:,} archives", "압축 파일 {n:,}개"),
    "one_archive": ("1 archive", "압축 파일 1개"),
    "other_count": ("{n:,} other files", "다른 파일 {n:,}개"),
    "one_other": ("1 other file", "다른 파일 1개"),
    "and_more": ("{name} and {n:,} more", "{name} 외 {n:,}곳"),
    "more_failed": ("and {n:,} more", "그 밖에 {n:,}장 더"),
    "try_again": ("Try these again", "다시 해 보기"),
    "earlier_imports": ("Earlier imports ({n:,})", "지난 기록 {n:,}건"),
    "see_photos": ("See the photos", "사진 보기"),
    "folders": ("Folders kept up to date", "지켜보는 폴더"),
    "folder_missing": ("{n:,} not there any more", "{n:,}장은 제자리에 없음"),
    "folder_gone": ("not there now: plug its disk in", "지금 없음: 디스크를 꽂아 주세요"),
    "look_now": ("Look now", "지금 살펴보기"),
    "no_folders": (
        "Folders named in ALBUM_FOLDERS are kept up to date by themselves; the README says how.",
        "ALBUM_FOLDERS에 적어 둔 폴더는 바뀔 때마다 저절로 반영됩니다. 방법은 README에 있습니다.",
    ),
    # Classify
    "which_photos": ("1 · Which photos", "1 · 어떤 사진을"),
    "classify_files": ("Drop photos to classify", "분류할 사진을 놓으세요"),
    "classify_files_note": (
        "They are looked at once and not kept.",
        "한 번 보기만 하고 보관하지 않습니다.",
    ),
    "from_album_count": ("{n:,} photos from the album", "사진첩에서 {n:,}장"),
    "one_from_album": ("1 photo from the album", "사진첩에서 1장"),
    "more_chosen": ("and {n:,} more", "외 {n:,}장"),
    "take_hits": ("Take the photos found in Search", "찾기 결과의 사진 쓰기"),
    "drop_chosen": ("Clear the choice", "고른 사진 빼기"),
    "whole_album_note": (
        "For the whole album, choose nothing here.",
        "사진첩 전체를 나누려면 아무것도 고르지 않아도 됩니다.",
    ),
    "which_classes": ("2 · Which classes", "2 · 어떻게 나눌까요"),
    "way": ("Where the classes come from", "분류를 정하는 방법"),
    "way_words": ("In words", "말로"),
    "way_examples": ("By examples", "보기 사진으로"),
    "way_head": ("A trained classifier", "훈련해 둔 분류기"),
    "classes": ("One class on each line", "한 줄에 하나씩"),
    "classes_info": (
        "Other words for the same class beside it: 고양이 | cat | kitten",
        "같은 뜻의 말은 옆에 나란히: 고양이 | cat | kitten",
    ),
    "classes_example": (
        "dog | puppy\ncat | kitten\nfood\nlandscape",
        "강아지 | 개 | dog\n고양이 | cat\n음식 | food\n풍경 | landscape",
    ),
    "starting_words": ("Add everyday words", "흔한 낱말 넣기"),
    "starting_words_none": ("Choose a subject", "주제를 고르세요"),
    "subject_all": ("All subjects", "모든 주제"),
    "subject_people": ("People", "사람"),
    "subject_animals": ("Animals", "동물"),
    "subject_plants": ("Plants", "식물"),
    "subject_food": ("Food and drink", "음식"),
    "subject_scenery": ("Scenery", "자연"),
    "subject_places": ("Places", "장소"),
    "subject_vehicles": ("Vehicles", "탈것"),
    "subject_things": ("Things", "물건"),
    "subject_pictures_and_papers": ("Pictures and papers", "그림과 문서"),
    "subject_events": ("Events", "행사"),
    "subject_doing_and_sports": ("Doing and sports", "활동과 운동"),
    "finer": ("Finer", "더 자세히"),
    "writing_help": (
        "`crane (bird)` says what kind of thing is meant. `cat | 2:kitten` counts the second word"
        " twice. `dog * 3` says that dogs are three times as common here.",
        "`학 (새)`처럼 쓰면 어떤 종류인지 알려 줍니다. `고양이 | 2:새끼 고양이`는 뒤의 말을 두 배로"
        " 칩니다. `개 * 3`은 개 사진이 세 배 흔하다는 뜻입니다.",
    ),
    "wording": ("How the words are asked", "말을 어떻게 물을까요"),
    "wording_name": ("The name alone", "이름만"),
    "wording_sentence": ("In one sentence", "한 문장으로"),
    "wording_ensemble": ("In many sentences", "여러 문장으로"),
    "decided": ("How decided the shares are", "얼마나 딱 잘라 나눌까요"),
    "decided_info": (
        "To the right the best class takes more of the whole.",
        "오른쪽으로 갈수록 가장 알맞은 것이 더 많이 차지합니다.",
    ),
    "strictness": ("How strict", "얼마나 까다롭게"),
    "strictness_info": (
        "To the right photos are sooner “none of these”; at the far left every photo has a class.",
        "오른쪽으로 갈수록 ‘어느 것도 아님’이 늘고, 맨 왼쪽에서는 모든 사진이 어딘가에 들어갑니다.",
    ),
    "fit": ("Fit to my labelled photos", "내 이름표에 맞추기"),
    "fitted_count": ("fitted to {n:,} labelled photos", "이름표가 있는 사진 {n:,}장에 맞췄습니다"),
    "one_fitted": ("fitted to 1 labelled photo", "이름표가 있는 사진 1장에 맞췄습니다"),
    "head": ("Classifier", "분류기"),
    "head_none": (
        "There is none yet. One is made of a folder with a folder of photos for each class:"
        " `python -m models.fine_tune FOLDER`",
        "아직 없습니다. 분류마다 사진 폴더를 하나씩 담은 폴더로 만듭니다:"
        " `python -m models.fine_tune FOLDER`",
    ),
    "head_choice": ("{name} · {n:,} classes", "{name} · {n:,}가지"),
    "head_facts": (
        "{photos:,} photos · {accuracy:.0%} right on photos it had not seen · {day}",
        "사진 {photos:,}장 · 처음 보는 사진에서 {accuracy:.0%} 맞힘 · {day}",
    ),
    "head_classes": ("Classes: {what}", "분류: {what}"),
    "head_threshold": ("How sure it must be", "얼마나 확실해야 할까요"),
    "head_threshold_info": (
        "Below this a photo is “none of these”.",
        "이보다 낮으면 ‘어느 것도 아님’으로 봅니다.",
    ),
    "look": ("3 · Look", "3 · 결과 보기"),
    "classify_now": ("Classify these photos", "이 사진들 분류하기"),
    "best_per_class": ("Sort the whole album", "사진첩 전체 나누기"),
    "nothing_chosen": (
        "Choose photos first: drop some here, or take those found in Search.",
        "먼저 사진을 고르세요. 여기에 놓거나 찾기 결과를 쓰면 됩니다.",
    ),
    "none_of_album_chosen": (
        "Choose photos of the album in step 1, or give the labels to the whole album.",
        "1에서 사진첩의 사진을 고르거나, 사진첩 전체에 붙이세요.",
    ),
    "look_begins": (
        "Choose photos and classes: what belongs where is shown here.",
        "사진과 분류를 고르면 무엇이 어디에 드는지 여기에 나옵니다.",
    ),
    "sorting_at": ("{done:,} of {total:,}", "{total:,} 가운데 {done:,}"),
    "more_cards": ("The other {n:,}", "나머지 {n:,}장"),
    "sorted_count": ("{n:,} photos looked at", "사진 {n:,}장을 보았습니다"),
    "one_sorted": ("1 photo looked at", "사진 1장을 보았습니다"),
    "none_of_album": ("no photo", "해당하는 사진 없음"),
    "none_of_these": ("None of these", "어느 것도 아님"),
    "none_nearest": ("nearest:", "가장 가까운 것:"),
    "tile_count": ("{n:,} photos", "{n:,}장"),
    "one_tile": ("1 photo", "1장"),
    "fewer_classes": (
        "{n:,} more classes with fewer photos: {what}",
        "사진이 더 적은 분류 {n:,}가지: {what}",
    ),
    "empty_classes": ("Without a photo: {what}", "사진이 없는 분류: {what}"),
    "and_classes": ("{what} and {n:,} more", "{what} 외 {n:,}가지"),
    "how_right": ("How right is this?", "얼마나 맞을까요?"),
    # Labels by rules
    "give": ("4 · Give them as labels", "4 · 이름표로 붙이기"),
    "give_note": (
        "Look first at what would change. What you said of a photo yourself is never changed.",
        "무엇이 바뀌는지 먼저 보여 드립니다. 직접 붙이거나 뗀 이름표는 바꾸지 않습니다.",
    ),
    "give_to": ("To", "대상"),
    "give_album": ("the whole album", "사진첩 전체"),
    "give_chosen": ("the photos of step 1", "1에서 고른 사진"),
    "dry_run": ("What would change?", "무엇이 바뀌는지 보기"),
    "dry_run_count": ("{n:,} photos would get a label.", "{n:,}장에 이름표가 붙습니다."),
    "one_dry_run": ("1 photo would get a label.", "1장에 이름표가 붙습니다."),
    "dry_run_nothing": ("Nothing would change.", "바뀌는 것이 없습니다."),
    "dry_run_none_count": (
        "{n:,} photos are none of these.",
        "{n:,}장은 어디에도 해당하지 않습니다.",
    ),
    "one_dry_run_none": ("1 photo is none of these.", "1장은 어디에도 해당하지 않습니다."),
    "dry_run_takes": ("{n:,} would lose one.", "{n:,}장에서는 떨어집니다."),
    "which_labels": ("Labels to write", "붙일 이름표"),
    "would_get": ("{n:,} get it", "{n:,}장에 붙음"),
    "would_lose": ("{n:,} lose it", "{n:,}장에서 떨어짐"),
    "are_kept": ("{n:,} have it from you", "{n:,}장은 직접 붙임"),
    "are_refused": ("{n:,} left out because you said no", "아니라고 하신 {n:,}장은 뺌"),
    "at_the_edge": ("At the edge: check these", "아슬아슬한 사진: 확인해 보세요"),
    "the_surest": ("The surest", "가장 확실한 사진"),
    "all_of_them": ("All of them, the surest first", "모두, 확실한 순서로"),
    "lose_it": ("These lose it", "이름표가 떨어지는 사진"),
    "more_labels": ("and {n:,} more labels", "그 밖에 이름표 {n:,}개"),
    "living": ("New photos get it, too", "앞으로 넣는 사진에도 붙이기"),
    "write_labels": ("Write these labels", "이름표 붙이기"),
    "act_given_count": ("{what}: given to {n:,} photos", "{what}: {n:,}장에 붙임"),
    "one_act_given": ("{what}: given to 1 photo", "{what}: 1장에 붙임"),
    "act_taken": ("taken from {n:,}", "{n:,}장에서 뗌"),
    "and_labels": ("{what} and {n:,} more", "{what} 외 {n:,}개"),
    "undo": ("Undo", "되돌리기"),
    "undone": ("undone", "되돌림"),
    "earlier_acts": ("Earlier ({n:,})", "지난 기록 {n:,}건"),
    "living_labels": ("New photos get these by themselves", "새 사진에 저절로 붙는 이름표"),
    "stop_living": ("Stop", "그만 붙이기"),
    "given_words": ("{label} · by words, {share:.0%}", "{label} · 말로 분류 {share:.0%}"),
    "given_examples": ("{label} · by examples, {share:.0%}", "{label} · 보기로 배움 {share:.0%}"),
    "given_model": ("{label} · by a classifier, {share:.0%}", "{label} · 분류기 {share:.0%}"),
    # About
    "about_text": (
        "Photos are found with CLIP: each is turned once into a list of numbers (an embedding), a"
        " sentence into another, and the nearest by cosine come first. All of it happens on the"
        " machine that runs the album.",
        "사진은 CLIP으로 찾습니다. 사진마다 숫자 목록(임베딩)을 한 번 만들고, 문장도 숫자로 바꾸어"
        " 코사인이 가까운 순서로 보여 줍니다. 모두 사진첩이 돌아가는 컴퓨터 안에서 일어납니다.",
    ),
    "about_model": ("Model: {model}", "모델: {model}"),
    "about_wanted": ("Waiting for: {model}", "기다리는 모델: {model}"),
    # Searches that the browser remembers
    "recent": ("Recent searches", "최근에 찾은 것"),
    "recent_pin": ("Pin “{words}”", "“{words}” 고정하기"),
    "recent_drop": ("Forget “{words}”", "“{words}” 기록에서 빼기"),
    "recent_clear": ("Clear all", "모두 지우기"),
    "recent_private": ("Kept in this browser only.", "이 브라우저에만 남습니다."),
    # Labels from examples
    "teach_name": ("Name of the label", "이름표"),
    "teach_name_info": (
        "Choose one or type a new one, then press Enter.",
        "고르거나, 새 이름을 쓰고 Enter를 누르세요.",
    ),
    "teach_words": ("In other words (may be empty)", "다른 말로 (비워도 됩니다)"),
    "teach_words_info": (
        "They help while there are few examples.",
        "보기 사진이 적을 때 도움이 됩니다.",
    ),
    "teach_words_example": ("cat | kitten", "고양이 | cat"),
    "teach_two_stage": (
        "Look only among photos that the words find",
        "말로 찾은 사진 안에서만 보기",
    ),
    "teach_learn": ("Learn, then ask me about ten", "배우고 열 장 묻기"),
    "teach_surest": ("Show the surest", "가장 확실한 사진 보기"),
    "teach_take_found": ("Take those found in Search", "찾기 결과에서 가져오기"),
    "teach_apply": ("Dry run for the whole album", "전체에 미리 해 보기"),
    "teach_how": (
        "Point at a few photos that are it and a few that are not. The album learns from them,"
        " and asks about those that it is least sure of.",
        "맞는 사진과 아닌 사진을 몇 장만 알려 주세요. 사진첩이 거기서 배우고, 가장 헷갈리는 사진을"
        " 다시 묻습니다.",
    ),
    "teach_nameless": ("Give the label a name first.", "먼저 이름표의 이름을 적어 주세요."),
    "teach_learning": ("Learning…", "배우는 중…"),
    "teach_is": ("Is it", "맞음"),
    "teach_not": ("Is not", "아님"),
    "teach_is_of": ("“{label}”: {photo}", "“{label}” 맞음: {photo}"),
    "teach_not_of": ("Not “{label}”: {photo}", "“{label}” 아님: {photo}"),
    "teach_offer_found": ("Photos found in Search", "찾기에서 가져온 사진"),
    "teach_offer_start": (
        "To begin with: which of these are it?",
        "우선 이 가운데 어느 것이 맞나요?",
    ),
    "teach_offer_ask": ("It is least sure of these:", "가장 헷갈리는 사진들입니다. 맞나요?"),
    "teach_offer_surest": ("It is surest of these:", "가장 확실하다고 보는 사진들입니다."),
    "teach_nothing_left": (
        "There is no photo left to ask about.",
        "더 물어볼 사진이 없습니다.",
    ),
    "teach_gone": (
        "This photo is not in the album any more.",
        "이 사진은 이제 사진첩에 없습니다.",
    ),
    "teach_are_count": ("{n:,} are “{label}”", "“{label}” 맞음 {n:,}장"),
    "one_teach_are": ("1 is “{label}”", "“{label}” 맞음 1장"),
    "teach_are_not_count": ("{n:,} are not", "아님 {n:,}장"),
    "one_teach_are_not": ("1 is not", "아님 1장"),
    "teach_right": (
        "About {right} of {of} photos that it labels are right ({low} to {high} of {of});"
        " it finds {found} of {of}.",
        "이름표를 붙인 {of}장 가운데 약 {right}장이 맞고({low}~{high}장), 찾아야 할 {of}장"
        " 가운데 {found}장을 찾습니다.",
    ),
    "teach_right_how": (
        "Counted on examples that it had not seen while learning.",
        "배울 때 보지 않은 보기 사진으로 세어 본 것입니다.",
    ),
    "teach_too_few": (
        "Too few examples to tell yet how right it is: give it 4 of each.",
        "얼마나 맞는지 말하기에는 아직 보기가 적습니다. 맞는 사진과 아닌 사진을 네 장씩 알려"
        " 주세요.",
    ),
    "teach_left_out_count": (
        "{n:,} examples have not been looked at by the model yet.",
        "보기 사진 {n:,}장은 모델이 아직 보지 못했습니다.",
    ),
    "one_teach_left_out": (
        "1 example has not been looked at by the model yet.",
        "보기 사진 1장은 모델이 아직 보지 못했습니다.",
    ),
    "teach_contradiction": (
        "These look the same, yet one is “{label}” and the other is not. Which is right?",
        "서로 같아 보이는데 하나는 “{label}” 맞음, 하나는 아님입니다. 어느 쪽이 맞나요?",
    ),
    # Labels and their rules
    "labels_all": ("Labels so far", "지금까지의 이름표"),
    "labels_photos_count": ("{n:,} photos", "{n:,}장"),
    "one_labels_photos": ("1 photo", "1장"),
    "labels_by_person": ("{n:,} by hand", "직접 {n:,}장"),
    "labels_by_words": ("{n:,} from words", "말로 {n:,}장"),
    "labels_by_examples": ("{n:,} from examples", "보기로 {n:,}장"),
    "labels_by_model": ("{n:,} by a classifier", "분류기로 {n:,}장"),
    "labels_refused": ("{n:,} are not", "아님 {n:,}장"),
    "labels_living": ("New photos get it", "새 사진에도 붙이기"),
    "labels_living_of": ("New photos get “{label}”", "새 사진에도 “{label}” 붙이기"),
    "labels_teach": ("Teach", "가르치기"),
    "labels_teach_of": ("Teach “{label}”", "“{label}” 가르치기"),
    "labels_forget": ("Forget the rule", "규칙 지우기"),
    "labels_forget_of": ("Forget the rule of “{label}”", "“{label}” 규칙 지우기"),
    "labels_forget_sure": (
        "Really? Photos keep the label.",
        "지울까요? 붙은 이름표는 남습니다.",
    ),
    # How right the classes are
    "eval_which": ("Which photos to count", "어떤 사진으로 셀까요"),
    "eval_all": ("All that I labelled", "내가 이름표를 붙인 사진 모두"),
    "eval_chosen": ("The chosen photos", "고른 사진만"),
    "eval_now": ("See how often it is right", "얼마나 맞는지 보기"),
    "eval_counting": ("Counting…", "세는 중…"),
    "eval_accuracy": ("{value} right", "{value} 맞음"),
    "eval_interval": ("between {low} and {high}", "{low}에서 {high} 사이"),
    "eval_photos_count": (
        "of {n:,} photos that you labelled",
        "직접 이름표를 붙인 사진 {n:,}장에서",
    ),
    "one_eval_photos": ("of 1 photo that you labelled", "직접 이름표를 붙인 사진 1장에서"),
    "eval_confusion": ("What is taken for what", "무엇을 무엇으로 보았나"),
    "eval_confusion_how": (
        "Each line is what you said, each column what it said.",
        "가로줄은 내가 붙인 이름표, 세로줄은 사진첩이 본 것입니다.",
    ),
    "eval_you_said": ("You said", "내 이름표"),
    "eval_none": ("None of these", "어느 것도 아님"),
    "eval_most": (
        "The {n:,} classes with the most photos are shown.",
        "사진이 많은 {n:,}가지만 보여 줍니다.",
    ),
    "eval_classes": ("Class by class", "하나씩 보면"),
    "eval_class": ("Class", "이름"),
    "eval_precision": ("When it says so, it is right", "그렇다고 하면 맞는 비율"),
    "eval_recall": ("Of those that are so, it finds", "실제 가운데 찾아내는 비율"),
    "eval_unknown": ("cannot be told", "알 수 없음"),
    "eval_believe": ("How far its percentages can be believed", "확률을 얼마나 믿을 수 있나"),
    "eval_believe_said": (
        "When it says about {said}, it is right {right} of the time.",
        "{said}쯤이라고 할 때 실제로는 {right}가 맞습니다.",
    ),
    "eval_believe_well": (
        "Its percentages are about right.",
        "확률이 실제와 거의 맞습니다.",
    ),
    "eval_too_sure": ("It is too sure of itself.", "실제보다 너무 자신합니다."),
    "eval_too_shy": (
        "It is right more often than it thinks.",
        "스스로 여기는 것보다 더 잘 맞힙니다.",
    ),
    "eval_says": ("it says", "사진첩의 확률"),
    "eval_is_right": ("it is right", "실제로 맞은 비율"),
    "eval_curve": (
        "Curve of how often it is right against how sure it is; on the broken line both agree.",
        "얼마나 확신하는지에 따라 실제로 얼마나 맞는지를 나타낸 곡선. 점선에서는 둘이 같습니다.",
    ),
    "eval_numbers": ("The numbers", "숫자로 보기"),
    "eval_photos": ("Photos", "사진 수"),
    "eval_ece": (
        "Expected calibration error: {value}. Temperature that fits best: {temperature}.",
        "기대 보정 오차(ECE) {value}. 가장 잘 맞는 온도 {temperature}.",
    ),
    "eval_ece_only": ("Expected calibration error: {value}.", "기대 보정 오차(ECE) {value}."),
    "eval_sureness": (
        "Its percentages can be believed more with another setting of how decided they are.",
        "얼마나 딱 잘라 나눌지를 바꾸면 확률을 더 믿을 수 있습니다.",
    ),
    "eval_use": ("Use that setting", "그렇게 바꾸기"),
    **EXPORT_TEXTS,
    # What the server refuses
    "no_host": ("The request does not say which server it is for.", "요청에 서버 이름이 없습니다."),
    "unknown_host": (
        "The album is not known as {host}. If this is its address, start it with that name in"
        " ALBUM_HOSTS.",
        "사진첩은 {host}라는 이름을 모릅니다. 맞는 주소라면 그 이름을 ALBUM_HOSTS에 넣어 다시"
        " 시작해 주세요.",
    ),
    "foreign_origin": (
        "Other sites may not use the album ({origin}). If this is its own address, start it with"
        " that name in ALBUM_HOSTS.",
        "다른 사이트는 사진첩을 쓸 수 없습니다({origin}). 사진첩의 주소라면 그 이름을 ALBUM_HOSTS에"
        " 넣어 다시 시작해 주세요.",
    ),
    "no_addresses": (
        "The album fetches no files from addresses. Send the file itself.",
        "사진첩은 인터넷 주소에서 파일을 가져오지 않습니다. 파일을 직접 올려 주세요.",
    ),
    "half_character": (
        "The name of a file has half a character in it: rename the file and send it again.",
        "파일 이름에 글자의 반쪽이 들어 있습니다. 이름을 바꾸어 다시 보내 주세요.",
    ),
    "no_json": ("The request is not JSON.", "JSON 형식의 요청이 아닙니다."),
    "request_too_large": (
        "The request has more than {n} MB, or too many values. Send fewer files or words at once.",
        "요청이 {n}MB보다 크거나 값이 너무 많습니다. 파일이나 글을 나누어 보내 주세요.",
    ),
    "request_too_slow": (
        "The request took too long to arrive. Please try again.",
        "요청이 오는 데 너무 오래 걸렸습니다. 다시 해 주세요.",
    ),
    "too_many_requests": (
        "Too much is being sent at once. Please try again in a moment.",
        "한꺼번에 너무 많은 요청이 왔습니다. 잠시 뒤에 다시 해 주세요.",
    ),
}

_LACKING: Final = {"common.complete": "완료"}
"""What Gradio says to screen readers after an event, and has no Korean for."""
_I18N = gr.I18n(
    en={key: english for key, (english, _) in TEXTS.items()},
    ko={key: korean for key, (_, korean) in TEXTS.items()} | _LACKING,
)


def translations() -> gr.I18n:
    """The table for `launch(i18n=...)`."""
    return _I18N


def i18n(key: str) -> I18nData:
    """A component text that the browser shows in its own language."""
    if key not in TEXTS:
        raise KeyError(key)
    return I18nData(key)


def language_of(request: gr.Request | None) -> str:
    """ "ko" or "en": whichever of the two the browser wants more."""
    return preferred_language("" if request is None else request.headers.get("accept-language", ""))


def preferred_language(accept_language: str) -> str:
    """ "ko" or "en": whichever of the two an Accept-Language header wants more."""
    for part in accept_language.lower().split(","):
        tag = part.split(";")[0].strip()[:2]
        if tag in LANGUAGES:
            return tag
    return "en"


def say(language: str, key: str, **values: object) -> str:
    """The text `key` in `language`, with its values filled in."""
    return TEXTS[key][LANGUAGES.index(language)].format(**values)


def say_count(language: str, key: str, n: int, **values: object) -> str:
    """The text `one_<key>` for one of them, else `<key>_count`, with `n` filled in, too."""
    return say(language, f"one_{key}" if n == 1 else f"{key}_count", n=n, **values)
