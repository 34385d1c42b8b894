"""What the page says of captions, in English and Korean; part of `texts.TEXTS`."""

from __future__ import annotations

from typing import Final

from album.domain.captions import TOKENS_A_PHOTO

ABOUT_TOKENS: Final = round(TOKENS_A_PHOTO, -2)
CAPTION_TEXTS: Final[dict[str, tuple[str, str]]] = {
    # The caption of a photo
    "caption": ("Caption", "설명"),
    "caption_hint": ("What is this photo about?", "어떤 사진인가요?"),
    "ask_gemini": ("Let Gemini write it", "Gemini에게 맡기기"),
    "ask_here": ("Let it be written", "대신 써 주기"),
    "ask_sends": (
        "Asking sends Gemini one JPEG of at most 1,024 px, without EXIF:"
        f" about {ABOUT_TOKENS:,} tokens.",
        f"맡기면 EXIF를 뺀 1,024px 이하의 JPEG 1장을 Gemini에게 보냅니다(약 {ABOUT_TOKENS:,}토큰).",
    ),
    "ask_stays": (
        "It is written on this machine; the photo is sent nowhere.",
        "이 컴퓨터에서 씁니다. 사진은 밖으로 나가지 않습니다.",
    ),
    "asking": ("Gemini is looking at it…", "Gemini가 사진을 보고 있습니다…"),
    "asking_here": ("Looking at it…", "사진을 보고 있습니다…"),
    "by_hand": (
        "Written by you; nothing writes over it.",
        "직접 쓴 설명이라 아무도 덮어쓰지 않습니다.",
    ),
    "by_model": ("by {model}, {day}", "{model}, {day}"),
    "by_you": ("by you, {day}", "직접 씀, {day}"),
    "by_prompt": ("instructions {version}", "지시문 {version}"),
    "language_ko": ("Korean", "한국어"),
    "language_en": ("English", "영어"),
    "read_text": ("To be read in it", "사진 속 글자"),
    "caption_keywords": ("Keywords", "핵심어"),
    "earlier_captions": ("Earlier captions ({n:,})", "지난 설명 {n:,}개"),
    "use_again": ("Use this again", "다시 쓰기"),
    "which_fits": ("Which of my captions fits?", "이 사진에 어울리는 설명 찾기"),
    "fits_looking": ("Looking through your captions…", "설명을 살펴보고 있습니다…"),
    "fits_reading": (
        "Reading your captions, {done:,} of {total:,}…",
        "설명 {total:,}개 중 {done:,}개를 읽었습니다…",
    ),
    "fits_none": (
        "No photo has a caption yet. Write a few, and those that fit another photo are found here.",
        "아직 적어 둔 설명이 없습니다. 몇 장에 적어 두면, 다른 사진에도 어울리는 것을 여기서 찾아"
        " 드립니다.",
    ),
    "fits_how": (
        "The nearest first. Choose one to use it here.",
        "가까운 순서입니다. 고르면 이 사진의 설명이 됩니다.",
    ),
    "fits_own": ("on this photo now", "지금 이 사진의 설명"),
    "fits_instead": ("Use this instead", "이 설명으로 바꾸기"),
    "saved_instead": ("Saved instead of “{old}”.", "“{old}” 대신 저장했습니다."),
    # Questions about a photo
    "questions": ("Ask about this photo", "이 사진에 대해 묻기"),
    "question": ("Your question", "질문"),
    "question_hint": ("What kind of bird is it?", "이 새는 무슨 새인가요?"),
    "question_ask": ("Ask", "묻기"),
    "question_note": (
        "Gemini is sent a small copy of this photo, without EXIF, and what is said here. Nothing of"
        " it is kept, unless you keep an answer as the caption.",
        "Gemini에게 EXIF를 뺀 이 사진의 작은 사본과 여기에 쓴 말만 보냅니다. 답을 설명으로 남기지"
        " 않는 한 아무것도 저장하지 않습니다.",
    ),
    "question_thinking": ("Gemini is thinking…", "Gemini가 생각하고 있습니다…"),
    "question_you": ("You", "나"),
    "keep_answer": ("Keep as the caption", "설명으로 남기기"),
    # Who writes
    "about_captions": (
        "Captions, answers and translations are by Gemini, a service of Google: it is sent what you"
        " ask it about and nothing else. Of a photo that is a small JPEG without EXIF; in a"
        " conversation, also what you say; for a translation, the words alone.",
        "설명과 답, 번역은 Google의 서비스인 Gemini가 씁니다. 부탁한 것만 보냅니다. 사진은 EXIF를"
        " 뺀 작은 JPEG로, 대화에서는 쓴 말도 함께, 번역은 그 말만 보냅니다.",
    ),
    "about_captions_here": (
        "Captions are written by a model on this machine. Nothing is sent anywhere.",
        "설명은 이 컴퓨터에 있는 모델이 씁니다. 밖으로 나가는 것은 없습니다.",
    ),
    "about_writer": ("Captions: {model}", "설명: {model}"),
    "about_key": ("Captions: {model}, with the key {hint}", "설명: {model}, 키 {hint}"),
    # Captions at an upload
    "write_captions": ("Write captions with Gemini", "Gemini로 설명 쓰기"),
    "write_captions_info": (
        "A small copy of each new photo, without place and camera data, is sent to Google.",
        "새 사진마다 장소와 카메라 정보를 뺀 작은 사본을 Google에 보냅니다.",
    ),
    "write_captions_here": ("Write captions", "설명 쓰기"),
    "write_captions_here_info": (
        "A model on this machine writes them; nothing is sent anywhere.",
        "이 컴퓨터에 있는 모델이 쓰며, 밖으로 나가는 것은 없습니다.",
    ),
    "caption_language": ("Language of the captions", "설명의 언어"),
    "language_both": ("Both", "둘 다"),
    "captions_queued": (
        "Captions appear with the photos as they are written.",
        "설명은 쓰는 대로 사진에 나타납니다.",
    ),
    "captioning_count": ("{n:,} captions to write", "설명 {n:,}개 쓰는 중"),
    "one_captioning": ("1 caption to write", "설명 1개 쓰는 중"),
    "captioning_rests_count": (
        "{n:,} captions wait until {time}",
        "설명 {n:,}개는 {time}에 이어서 씀",
    ),
    "one_captioning_rests": ("1 caption waits until {time}", "설명 1개는 {time}에 이어서 씀"),
    # The tab: which photos
    "captions": ("Captions", "설명"),
    "captions_head": ("Have captions written", "설명 쓰게 하기"),
    "captions_which": ("Which photos", "어떤 사진에"),
    "captions_lacking": ("All without a caption", "설명이 없는 사진 모두"),
    "captions_found": ("Those found in Search", "찾기에서 나온 사진"),
    "captions_label": ("Those with a label", "이름표가 붙은 사진"),
    "captions_by_model": ("Those that a model wrote, once more", "모델이 쓴 것을 다시"),
    "captions_label_of": ("Label", "이름표"),
    "captions_model_of": ("Written by", "쓴 모델"),
    "captions_again": (
        "Also those that have a caption by a model",
        "모델이 쓴 설명이 있는 사진도 다시",
    ),
    "captions_share": (
        "Photos of one moment that look the same share a caption",
        "같은 순간에 찍혀 똑같아 보이는 사진은 설명을 함께 쓰기",
    ),
    "captions_none_found": (
        "Search found no photo that matches.",
        "찾기에서 맞는 사진이 나오지 않았습니다.",
    ),
    "captions_choose_label": ("Choose a label first.", "먼저 이름표를 고르세요."),
    "captions_choose_model": ("Choose a model first.", "먼저 모델을 고르세요."),
    # What it would do
    "estimate_counting": ("Counting…", "세는 중…"),
    "estimate_nothing": (
        "Each of these photos has a caption, or waits for one.",
        "설명이 모두 있거나, 차례를 기다리고 있습니다.",
    ),
    "estimate_count": ("{n:,} photos get a caption.", "사진 {n:,}장에 설명을 씁니다."),
    "one_estimate": ("1 photo gets a caption.", "사진 1장에 설명을 씁니다."),
    "estimate_shared_count": (
        "{n:,} of them look the same as another and share its caption.",
        "그중 {n:,}장은 똑같아 보이는 사진과 설명을 함께 씁니다.",
    ),
    "one_estimate_shared": (
        "1 of them looks the same as another and shares its caption.",
        "그중 1장은 똑같아 보이는 사진과 설명을 함께 씁니다.",
    ),
    "estimate_locked_count": (
        "{n:,} are left alone: you wrote their captions.",
        "{n:,}장은 직접 쓴 설명이 있어 그대로 둡니다.",
    ),
    "one_estimate_locked": (
        "1 is left alone: you wrote its caption.",
        "1장은 직접 쓴 설명이 있어 그대로 둡니다.",
    ),
    "estimate_time": (
        "About {time}, at {rate:,} a minute at the most.",
        "1분에 많아야 {rate:,}장씩, 약 {time} 걸립니다.",
    ),
    "estimate_days": (
        "Over {days:,} days, at {rate:,} a minute and {daily:,} a day at the most.",
        "1분에 많아야 {rate:,}장, 하루에 {daily:,}장씩 {days:,}일에 나누어 씁니다.",
    ),
    "estimate_time_here": ("About {time} on this machine.", "이 컴퓨터에서 약 {time} 걸립니다."),
    "estimate_tokens": (
        "About {tokens:,} tokens; what they cost is for your contract with Google to say.",
        "토큰 약 {tokens:,}개를 씁니다. 비용은 Google과의 계약에 따라 다릅니다.",
    ),
    "estimate_sends_count": (
        "Sent to Google, {model}: {n:,} JPEGs of at most 1,024 px, without EXIF, place or name."
        " Nothing else.",
        "Google의 {model}에 보내는 것: EXIF와 장소, 파일 이름을 뺀 1,024px 이하의 JPEG"
        " {n:,}장. 그 밖에는 아무것도 보내지 않습니다.",
    ),
    "one_estimate_sends": (
        "Sent to Google, {model}: 1 JPEG of at most 1,024 px, without EXIF, place or name. Nothing"
        " else.",
        "Google의 {model}에 보내는 것: EXIF와 장소, 파일 이름을 뺀 1,024px 이하의 JPEG 1장."
        " 그 밖에는 아무것도 보내지 않습니다.",
    ),
    "estimate_here": (
        "{model} on this machine writes them. Nothing is sent anywhere.",
        "이 컴퓨터에 있는 {model} 모델이 씁니다. 밖으로 나가는 것은 없습니다.",
    ),
    "estimate_changed": (
        "Something was changed: look at it once more, then start.",
        "고른 것이 바뀌었습니다. 다시 확인하고 시작하세요.",
    ),
    "captions_start_count": ("Write {n:,} captions", "설명 {n:,}개 쓰기"),
    "one_captions_start": ("Write 1 caption", "설명 1개 쓰기"),
    "captions_start": ("Write captions", "설명 쓰기"),
    "caption_these": ("Write captions", "설명 쓰기"),
    # The jobs
    "caption_jobs": ("Being written, and written", "쓰는 중이거나 쓴 것"),
    "job_at": ("{done:,} of {total:,}", "{total:,}장 중 {done:,}장"),
    "job_running": ("being written", "쓰는 중"),
    "job_paused": ("paused", "잠시 멈춤"),
    "job_done": ("done", "끝남"),
    "job_cancelled": ("cancelled", "그만둠"),
    "job_waits": ("after those before it", "앞의 것 다음 차례"),
    "job_rests": ("goes on {when}", "{when}에 이어서 씀"),
    "job_written_count": ("{n:,} captions written", "설명 {n:,}개 씀"),
    "one_job_written": ("1 caption written", "설명 1개 씀"),
    "job_failed": ("{n:,} failed", "{n:,}장 실패"),
    "job_left_out": ("{n:,} not needed any more", "{n:,}장은 필요 없어짐"),
    "job_today": ("{n:,} of {daily:,} requests today", "오늘 요청 {daily:,}번 중 {n:,}번"),
    "job_why": ("Why some failed", "실패한 까닭"),
    "time_today": ("at {time}", "{time}"),
    "time_day": ("on {day} at {time}", "{day} {time}"),
}
