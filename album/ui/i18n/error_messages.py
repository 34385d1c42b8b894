"""The sentences of named failures in Korean; the English ones are written where they are raised.

Each pattern is the English sentence with its values as named groups. A test holds the table against
every sentence that the album and the models can raise, so none is forgotten.
"""

from __future__ import annotations

import re
from typing import Final

from album.ui.i18n.export_error_messages import EXPORT_KOREAN

KOREAN: Final[tuple[tuple[str, str], ...]] = (
    # Files
    (r"The file is empty: .*", "빈 파일입니다. 원래 있던 곳에서 다시 복사해 주세요."),
    (r"There is no such file\.", "이런 파일이 없습니다."),
    (r"Log in first\.", "먼저 로그인해 주세요."),
    (
        r"The file cannot be opened: .*",
        "파일을 열 수 없습니다. 없어졌거나 읽을 권한이 없습니다.",
    ),
    (r"The album may not read this file\.", "이 파일을 읽을 권한이 없습니다."),
    (r"The file could not be taken in: (?P<why>.*)\.", "파일을 넣지 못했습니다: {why}."),
    (
        r"This is not an image that the album reads: .*",
        "사진첩이 읽는 그림이 아닙니다. 파일 이름과 상관없이 JPEG, PNG, WebP, GIF, BMP, TIFF,"
        " HEIC, AVIF, JPEG XL, JPEG 2000과 카메라의 RAW를 읽습니다.",
    ),
    (
        r"The image is damaged, or of a kind .*",
        "손상되었거나 읽을 수 없는 종류의 그림입니다. 다시 복사하거나 JPEG로 저장해 주세요.",
    ),
    (
        r"The image is cut short or damaged: .*",
        "그림이 잘렸거나 손상되었습니다. 원래 있던 곳에서 다시 복사해 주세요.",
    ),
    (
        r"The image has more than (?P<n>\d+) megapixels: .*",
        "{n}백만 화소가 넘는 그림입니다. 더 작은 사본을 저장해 주세요.",
    ),
    (
        r"There is not enough memory to open the image: .*",
        "메모리가 모자라 그림을 열 수 없습니다. 더 작은 사본을 저장해 주세요.",
    ),
    (
        r"This file was not uploaded here; .*",
        "여기에 올린 파일이 아닙니다. 파일을 다시 골라 주세요.",
    ),
    (r"Send at least one file\.", "파일을 하나 이상 보내 주세요."),
    (r"Send at most (?P<n>\d+) files at once\.", "한 번에 {n}개까지 보낼 수 있습니다."),
    (
        r"This file takes longer than (?P<n>.*) seconds to decode: .*",
        "이 파일은 여는 데 {n}초가 넘게 걸립니다. JPEG로 저장하거나 더 작은 사본을 저장해 주세요.",
    ),
    (
        r"This file takes more than (?P<n>.*) GB of memory to decode: .*",
        "이 파일을 여는 데 메모리가 {n}GB 넘게 듭니다. 더 작은 사본을 저장해 주세요.",
    ),
    (
        r"This file brings its decoder down: .*",
        "이 파일을 열다가 프로그램이 멈춥니다. 원래 있던 곳에서 다시 복사하거나, 다른 프로그램에서"
        " JPEG로 저장해 주세요.",
    ),
    (
        r"The album cannot start its decoder: .*",
        "사진을 여는 프로그램을 시작하지 못했습니다. 다른 프로그램을 닫고 사진첩을 다시 시작해"
        " 주세요.",
    ),
    (
        r"The zip cannot be opened: .*",
        "zip을 열 수 없습니다. 잘렸거나 손상되었으니 다시 받아 주세요.",
    ),
    (
        r"This file of the zip has a password: .*",
        "zip에 든 이 파일에는 암호가 걸려 있습니다. zip을 풀어서 폴더를 넣어 주세요.",
    ),
    (
        r"This file of the zip is damaged .*",
        "zip에 든 이 파일은 손상되었거나 모르는 방식으로 압축되어 있습니다. zip을 다시 받아"
        " 주세요.",
    ),
    (
        r"This file of the zip is packed in a way .*",
        "zip에 든 이 파일은 사진첩이 풀지 못하는 방식으로 압축되어 있습니다. zip을 풀어서 폴더를"
        " 넣어 주세요.",
    ),
    (
        r"This file of the zip becomes too large .*",
        "zip에 든 이 파일은 풀면 지나치게 커집니다. 믿을 만한 것이면 zip을 직접 풀어서 폴더를"
        " 넣어 주세요.",
    ),
    (
        r"The zip would become (?P<n>\d+) MB when it is unpacked, .*",
        "이 zip은 풀면 {n}MB가 되는데, 사진으로는 지나치게 큽니다. 믿을 만한 것이면 직접 풀어서"
        " 폴더를 넣어 주세요.",
    ),
    (
        r"The zip holds more than (?P<n>\d+) files: .*",
        "zip에 든 파일이 {n}개를 넘습니다. 작은 zip 여러 개로 나누어 주세요.",
    ),
    (
        r"This file about a photo is larger than (?P<n>\d+) MB: .*",
        "사진을 설명하는 파일이 {n}MB를 넘어서 빼놓았습니다. 그 사진은 빼놓지 않았습니다.",
    ),
    (
        r"This file is no photo, and describes none .*",
        "사진이 아니고, 함께 보내신 사진을 설명하는 파일도 아닙니다. 사진과 함께 보내 주세요.",
    ),
    (r"The album may not look into this folder\.", "이 폴더를 볼 권한이 없습니다."),
    # The disk of the album
    (
        r"The disk of the album has no room for what is in the zip: [^0-9]*(?P<n>\d+) MB; .*",
        "사진첩의 디스크에 zip의 내용을 둘 자리가 없습니다. {n}MB쯤 더 필요하니 공간을 비우고 다시"
        " 해 주세요.",
    ),
    (
        r"The disk of the album is full: .*",
        "사진첩의 디스크가 가득 찼습니다. 공간을 비우고 다시 해 주세요. 사라진 것은 없습니다.",
    ),
    (
        r"Another program keeps the album's database to itself: .*",
        "다른 프로그램이 사진첩의 데이터베이스를 붙들고 있습니다. 그 프로그램을 닫고 다시 해"
        " 주세요.",
    ),
    (
        r"The album's folder cannot be written to: .*",
        "사진첩 폴더에 쓸 수 없습니다. 디스크와 쓰기 권한을 확인해 주세요.",
    ),
    (
        r"The disk of the album does not answer as it must: .*",
        "사진첩의 디스크가 제대로 답하지 않습니다. 디스크를 확인하고 다시 해 주세요.",
    ),
    (
        r"The album's database is damaged: .*",
        "사진첩의 데이터베이스가 손상되었습니다. album.db를 사진첩 폴더 밖으로 옮기고 백업을"
        " python -m album restore로 되살려 주세요. 사진 원본은 그대로 있습니다.",
    ),
    (
        r"The text has half a character in it, .*",
        "글자의 반쪽이 들어 있어 글로 읽을 수 없습니다. 다시 입력해 주세요.",
    ),
    (
        r"Nothing in the album has this number: .*",
        "사진첩에 없는 번호입니다. 번호를 확인하고 다시 해 주세요.",
    ),
    # Photos
    (r"This photo is not in the album\.", "사진첩에 없는 사진입니다."),
    (
        r"The original of (?P<name>.*) is not where it was; .*",
        "원본이 있던 자리에 없습니다: {name}. 제자리에 돌려놓거나 다시 넣어 주세요.",
    ),
    (
        r"(?P<name>.*) is still being looked at; .*",
        "아직 익히는 중인 사진입니다: {name}. 조금 뒤에 다시 해 주세요.",
    ),
    (r"A photo id is a whole number above zero\.", "사진 번호는 0보다 큰 정수입니다."),
    (r"photo_ids must be a list of photo ids\.", "photo_ids는 사진 번호의 목록이어야 합니다."),
    (r"Send photo_ids or files to classify\.", "분류할 photo_ids나 files를 보내 주세요."),
    (r"limit and offset are whole numbers\.", "limit과 offset은 정수입니다."),
    (r"sort is best or date\.", "sort는 best(가까운 순)나 date(날짜순)입니다."),
    (r"rest is true or false\.", "rest는 true나 false입니다."),
    # Questions
    (
        r"“(?P<text>.*)” is no date; .*",
        "날짜가 아닙니다: “{text}”. 2019-08-03, 2019-08, 2019처럼 써 주세요.",
    ),
    (r"There is no such day as “(?P<text>.*)”\.", "없는 날짜입니다: “{text}”."),
    (
        r"There is no such day as “(?P<text>.*)”, so it is looked for as words\.",
        "“{text}”은(는) 없는 날짜라서, 말 그대로 찾았습니다.",
    ),
    (
        r"“(?P<text>.*)” could be two days, so it is looked for as words; .*",
        "“{text}”은(는) 두 가지 날짜로 읽혀서, 말 그대로 찾았습니다. 2019-08-03처럼 써 주세요.",
    ),
    (r"Write at least two classes, .*", "한 줄에 하나씩, 두 가지 이상 써 주세요."),
    (
        r"These are (?P<n>\d+) classes; (?P<most>\d+) at most .*",
        "{n}가지를 쓰셨습니다. 한 번에 {most}가지까지 됩니다.",
    ),
    (
        r"These are (?P<n>\d+) texts; (?P<most>\d+) at most .*",
        "글이 {n}개입니다. 한 번에 {most}개까지 견줄 수 있습니다.",
    ),
    (r"A label can have (?P<n>\d+) characters at most\.", "이름표는 {n}자까지 쓸 수 있습니다."),
    (
        r"A photo can have (?P<n>\d+) labels at most; .*",
        "사진 한 장에 이름표를 {n}개까지 붙일 수 있습니다. 먼저 몇 개를 떼어 주세요.",
    ),
    (
        r"These are (?P<photos>\d+) photos times (?P<classes>\d+) classes; .*",
        "사진 {photos}장에 {classes}가지입니다. 한 번에 답하기에는 너무 많으니 사진이나 가짓수를"
        " 줄여 주세요.",
    ),
    (
        r"The list of classes has more than (?P<n>\d+) characters; .*",
        "적으신 목록이 {n}자를 넘습니다. 줄여 주세요.",
    ),
    (
        r"Send at most (?P<n>\d+) photo ids at once\.",
        "사진 번호는 한 번에 {n}개까지 보낼 수 있습니다.",
    ),
    (
        r"A search can have (?P<n>[\d,]+) characters at most; .*",
        "찾는 말은 {n}자까지 쓸 수 있습니다. 줄여서 다시 찾아 주세요.",
    ),
    (r"A caption can have (?P<n>\d+) characters at most\.", "설명은 {n}자까지 쓸 수 있습니다."),
    (r"Captions can be written in (?P<codes>.*)\.", "설명은 ko(한국어)나 en(영어)으로 씁니다."),
    # Classes and labels
    (
        r"A name of a class can have (?P<n>\d+) characters at most; shorten “(?P<name>.*)”\.",
        "분류의 이름은 {n}자까지 쓸 수 있습니다. 줄여 주세요: “{name}”.",
    ),
    (
        r"These are (?P<n>\d+) names; (?P<most>\d+) at most .*",
        "이름을 {n}개 쓰셨습니다. 한 번에 {most}개까지 됩니다.",
    ),
    (
        r"Weights and how common a class is go from (?P<low>.*) to (?P<high>.*);"
        r" change (?P<n>.*)\.",
        "가중치와 흔한 정도는 {low}부터 {high}까지 쓸 수 있습니다. 고쳐 주세요: {n}.",
    ),
    (r"Write what the class is called\.", "분류의 이름을 써 주세요."),
    (
        r"“(?P<name>.*)” has no letter to read; .*",
        "읽을 글자가 없습니다: “{name}”. 말로 써 주세요.",
    ),
    (
        r"“(?P<name>.*)” stands there twice; .*",
        "두 번 쓰셨습니다: “{name}”. 줄마다 다른 이름으로 시작해 주세요.",
    ),
    (r"The strictness must be a number\.", "까다로운 정도는 수여야 합니다."),
    (
        r"The temperature goes from (?P<low>.*) to (?P<high>.*)\.",
        "온도는 {low}부터 {high}까지 쓸 수 있습니다.",
    ),
    (r"The wording is one of (?P<names>.*)\.", "묻는 방법은 이 가운데 하나입니다: {names}."),
    (
        r"To see how well this decides, .*",
        "얼마나 맞는지 보려면 먼저 두 가지 이상의 분류에 직접 이름표를 붙여 주세요.",
    ),
    (r"Choose a trained classifier first\.", "먼저 분류기를 골라 주세요."),
    (
        r"A label taught by examples is for photos of the album: .*",
        "보기로 가르친 이름표는 사진첩의 사진에만 쓸 수 있습니다. 먼저 사진을 넣어 주세요.",
    ),
    (
        r"A label taught by examples tells how right it is .*",
        "보기로 가르친 이름표가 얼마나 맞는지는 배운 뒤 바로 그 자리에 나옵니다.",
    ),
    (r"Look first at what would change\.", "먼저 무엇이 바뀌는지 보아 주세요."),
    (
        r"There is nothing to write: .*",
        "쓸 것이 없습니다. 이름표가 붙거나 떨어질 사진이 없습니다.",
    ),
    (
        r"Nothing is left to write: .*",
        "쓸 것이 남아 있지 않습니다. 그사이 사진이 없어졌거나 누군가 직접 이름표를 붙였습니다.",
    ),
    (
        r"So many labels of so long a list cannot be kept: .*",
        "이렇게 긴 목록의 이름표를 이만큼 한꺼번에 둘 수는 없습니다. 이름표를 더 적게 골라 주세요.",
    ),
    (
        r"“(?P<label>.*)” is none of the classes: .*",
        "분류 가운데 없는 이름입니다: “{label}”. 있는 것에서 골라 주세요.",
    ),
    (r"This has been undone already\.", "이미 되돌린 일입니다."),
    (r"There is nothing of this number to undo\.", "이 번호로 되돌릴 것이 없습니다."),
    (
        r"“(?P<label>.*)” is given by hand alone: .*",
        "직접 붙이기만 한 이름표입니다: “{label}”. 먼저 말이나 보기, 분류기로 붙여 주세요.",
    ),
    (
        r"How “(?P<label>.*)” is given cannot be understood: .*",
        "어떻게 붙이는 이름표인지 알 수 없습니다: “{label}”. 다시 붙여 주세요.",
    ),
    (r"Write a name for the label\.", "이름표의 이름을 써 주세요."),
    (r"Write what the label is called\.", "이름표를 무엇이라고 부를지 써 주세요."),
    (r"There is no label “(?P<label>.*)”\.", "없는 이름표입니다: “{label}”."),
    (
        r"Choose at least one photo that shows “(?P<label>.*)”\.",
        "맞는 사진을 한 장 이상 골라 주세요: “{label}”.",
    ),
    (
        r"The photos that show “(?P<label>.*)” are still being looked at; .*",
        "고르신 사진을 아직 익히는 중입니다: “{label}”. 조금 뒤에 다시 해 주세요.",
    ),
    (
        r"No photo of the album has been looked at yet: .*",
        "아직 익힌 사진이 없습니다. 사진을 넣거나 조금 기다려 주세요.",
    ),
    # Trained classifiers
    (
        r'There is no trained classifier "(?P<name>.*)": .*',
        "없는 분류기입니다: {name}. 있는 것을 고르거나 python -m models.fine_tune으로 만들어"
        " 주세요.",
    ),
    (
        r'The trained classifier "(?P<name>.*)" is damaged: .*',
        "손상된 분류기입니다: {name}. 다시 훈련하거나 지워 주세요.",
    ),
    (
        r'The classifier "(?P<name>.*)" reads what (?P<model>.*) sees, but .* sees with'
        r" (?P<own>.*): train it again with this model, .*",
        "{model} 모델에 맞춰 훈련한 분류기입니다: {name}. 지금 모델({own})로 다시 훈련하거나 다른"
        " 분류기를 골라 주세요.",
    ),
    (
        r'The classifier "(?P<name>.*)" reads embeddings of (?P<n>\d+) numbers, .*',
        "지금 모델과 맞지 않는 분류기입니다: {name}. 다시 훈련해 주세요.",
    ),
    (
        r'The classifier "(?P<name>.*)" looks at the pictures themselves, .*',
        "사진을 직접 보는 분류기입니다: {name}.",
    ),
    (
        r'The classifier "(?P<name>.*)" reads embeddings of (?P<model>.*), not pictures\.',
        "{model} 모델의 눈을 빌려 보는 분류기입니다: {name}.",
    ),
    # Labels and classifiers in files
    (
        r"The export of labels is damaged \((?P<why>.*)\); .*",
        "이름표 파일이 손상되었습니다({why}). 아무것도 들여오지 않았습니다.",
    ),
    (
        r"The trained classifier “(?P<name>.*)” cannot be read: (?P<why>.*)\.",
        "분류기를 읽을 수 없습니다: {name} ({why}).",
    ),
    (
        r"The trained classifiers cannot be written: (?P<why>.*)\.",
        "분류기를 쓸 수 없습니다: {why}.",
    ),
    (
        r"The export is of another version of the album: .*",
        "다른 판의 사진첩에서 내보낸 파일입니다. 이 사진첩을 새 판으로 바꿔 주세요.",
    ),
    (
        r"This is no export of labels: .*",
        "이름표를 내보낸 파일이 아닙니다. 사진첩이 쓴 파일을 골라 주세요.",
    ),
    (
        r"(?P<file>.*) is larger than (?P<n>\d+) MB: export fewer labels .*",
        "{n}MB가 넘는 파일입니다: {file}. 이름표를 나누어 내보내 주세요.",
    ),
    (
        r"(?P<file>.*) is not JSON, or it is damaged\.",
        "JSON이 아니거나 손상된 파일입니다: {file}.",
    ),
    # Imports
    (
        r"The import stopped unexpectedly; .*",
        "사진 넣기가 뜻밖에 멈췄습니다. 까닭은 사진첩의 로그에 있습니다.",
    ),
    (r"The import was interrupted\.", "사진 넣기가 중단되었습니다."),
    (
        r"The folder (?P<name>.*) is not there: .*",
        "{name} 폴더가 지금 없습니다. 디스크를 꽂거나 폴더를 되돌려 놓고 다시 넣어 주세요. 바뀐"
        " 것은 없습니다.",
    ),
    (
        r"Import (?P<n>\d+) is being worked on by another process\.",
        "{n}번 사진 넣기는 다른 프로그램에서 하고 있습니다.",
    ),
    (
        r"What was left of this upload went when it was cancelled: .*",
        "그만둘 때 남은 파일은 지웠습니다. 다시 올려 주세요.",
    ),
    (r"There is no import (?P<n>\d+)\.", "{n}번 사진 넣기는 없습니다."),
    (r"An import id is a whole number above zero\.", "사진 넣기 번호는 0보다 큰 정수입니다."),
    (
        r"This folder is not one that the album watches\.",
        "사진첩이 지켜보는 폴더가 아닙니다.",
    ),
    (
        r"The album was restored from a backup made during this import: .*",
        "이 사진들을 넣는 동안 만든 백업에서 사진첩을 되살렸습니다. 다시 넣어 주세요.",
    ),
    # Captions
    (
        r"You wrote this caption yourself; .*",
        "직접 쓰신 설명입니다. 새로 받으려면 먼저 지워 주세요.",
    ),
    (r"No answer yet; the photo stays .*", "아직 답이 없습니다. 사진은 차례를 기다립니다."),
    (
        r"There is no photo to caption: .*",
        "설명을 받을 사진이 없습니다. 모두 설명이 있거나 차례를 기다리고 있습니다.",
    ),
    (r"There is no such caption job\.", "이런 설명 작업은 없습니다."),
    (
        r"(?P<model>.*) writes captions in (?P<languages>.*) only\.",
        "{model} 모델은 {languages}로만 설명을 씁니다.",
    ),
    (r"Write a question about this photo first\.", "이 사진에 대해 물어볼 말을 먼저 써 주세요."),
    (r"A question can have (?P<n>\d+) characters .*", "질문은 {n}자까지 쓸 수 있습니다."),
    (
        r"This conversation has become too long: .*",
        "대화가 너무 길어졌습니다. 새로 시작해 주세요.",
    ),
    (
        r"The (?P<n>\d+) requests of today are used up: .*",
        "오늘 보낼 수 있는 요청 {n}개를 다 보냈습니다. 캘리포니아 시각으로 자정이 지나면 다시"
        " 보낼 수 있습니다.",
    ),
    (
        r"Gemini has been asked as often as it may be: .*",
        "Gemini에 물어볼 수 있는 만큼 다 물어보았습니다. 1분 뒤에 다시 해 주세요.",
    ),
    (r"The album is being closed\.", "사진첩을 닫는 중입니다."),
    (
        r"The model could not be loaded; .*",
        "모델을 불러오지 못했습니다. 사진첩의 로그에 까닭이 있습니다.",
    ),
    (
        r"It failed unexpectedly; .*",
        "알 수 없는 까닭으로 멈췄습니다. 사진첩의 로그에 까닭이 있습니다.",
    ),
    (
        r"Captioning this photo failed unexpectedly; .*",
        "알 수 없는 까닭으로 이 사진의 설명을 쓰지 못했습니다. 사진첩의 로그에 까닭이 있습니다.",
    ),
    (r"This photo is not wanted any more\.", "이 사진은 이제 설명을 기다리지 않습니다."),
    (
        r"Captions by Gemini need a key: .*",
        "Gemini 설명에는 키가 필요합니다. https://aistudio.google.com/apikey 에서 키를 받아"
        " GEMINI_API_KEY에 넣고 사진첩을 다시 시작해 주세요.",
    ),
    (
        r"GEMINI_API_KEY holds characters .*",
        "GEMINI_API_KEY에 키에 없는 글자가 있습니다. 다시 복사해 넣고 사진첩을 다시 시작해 주세요.",
    ),
    (
        r"Gemini did not answer within (?P<n>.*) seconds: .*",
        "Gemini가 {n}초 안에 답하지 않았습니다. 나중에 다시 해 주세요.",
    ),
    (
        r"Gemini cannot be reached: .*",
        "Gemini에 연결할 수 없습니다. 인터넷 연결을 확인하고 다시 해 주세요.",
    ),
    (
        r"Something other than Gemini answered: .*",
        "Gemini가 아닌 곳에서 답했습니다. 인터넷 로그인 화면이나 ALBUM_GEMINI_ENDPOINT를"
        " 확인해 주세요.",
    ),
    # Captioners
    (
        r"Gemini's quota of today is used up for this key: .*",
        "이 키로 오늘 쓸 수 있는 Gemini 사용량을 다 썼습니다. 캘리포니아 시각으로 자정이 지나면"
        " 다시 쓸 수 있습니다.",
    ),
    (
        r"Gemini declined this question \((?P<reason>.*)\)\.",
        "Gemini가 이 질문에 답하기를 사양했습니다({reason}).",
    ),
    (
        r"Gemini answered with nothing: .*",
        "Gemini의 답이 비어 있습니다. 다른 말로 물어보세요.",
    ),
    (
        r"Gemini answered with something other than a description: .*",
        "Gemini의 답이 사진 설명이 아닙니다. 다시 요청하거나 설명을 직접 써 주세요.",
    ),
    (
        r'"(?P<spec>.*)" names no model that writes captions: set ALBUM_COCA_MODEL to'
        r" (?P<default>.*) or .*",
        '"{spec}"은(는) 설명을 쓰는 모델이 아닙니다. ALBUM_COCA_MODEL을 {default}이나'
        " open_clip의 다른 CoCa 모델로 두세요.",
    ),
    (
        r"The caption model (?P<model>.*) is not on this machine yet: .*",
        "설명을 쓰는 {model} 모델이 아직 이 컴퓨터에 없습니다. 인터넷이 되는 곳에서 사진첩을 한"
        " 번 시작하거나 ALBUM_CAPTIONER=gemini로 두세요.",
    ),
    (
        r"The caption model (?P<model>.*) could not be downloaded: .*",
        "설명을 쓰는 {model} 모델을 받지 못했습니다. 인터넷 연결과 디스크의 남은 공간을"
        " 확인하고 사진첩을 다시 시작하거나, ALBUM_CAPTIONER=gemini로 두세요.",
    ),
    (
        r"The files of the caption model (?P<model>.*) are damaged or .*",
        "설명을 쓰는 {model} 모델의 파일이 손상되었거나 맞지 않습니다. 지우거나 바꾼 뒤"
        " 사진첩을 다시 시작해 주세요.",
    ),
    (
        r"The caption model (?P<model>.*) needs more memory than the (?P<device>.*) device has"
        r" left: .*",
        "{model} 모델에 {device} 메모리가 모자랍니다. ALBUM_DEVICE=cpu로 두세요.",
    ),
    (
        r"This captioner writes English alone: .*",
        "이 모델은 영어 설명만 씁니다. 영어로 요청하거나 ALBUM_CAPTIONER=gemini로 두세요.",
    ),
    (
        r"This captioner cannot answer questions: .*",
        "이 모델은 질문에 답하지 못합니다. 사진에 대해 물으려면 ALBUM_CAPTIONER=gemini로 두세요.",
    ),
    (
        r"This captioner cannot translate: .*",
        "이 모델은 번역하지 못합니다. 검색어를 번역하려면 ALBUM_CAPTIONER=gemini로 두세요.",
    ),
    (
        r"The model cannot open this photo: .*",
        "모델이 이 사진을 열 수 없습니다. 설명을 직접 써 주세요.",
    ),
    (
        r"The model found no words for this photo: .*",
        "모델이 이 사진에 맞는 말을 찾지 못했습니다. 설명을 직접 써 주세요.",
    ),
    (
        r"Gemini's quota for this key is used up: try again in (?P<n>\d+) seconds\.",
        "이 키로 쓸 수 있는 Gemini 사용량을 다 썼습니다. {n}초 뒤에 다시 해 주세요.",
    ),
    (
        r"Gemini's quota for this key is used up: .*",
        "이 키로 쓸 수 있는 Gemini 사용량을 다 썼습니다. 나중에 다시 해 주세요.",
    ),
    (
        r"Gemini does not know this key: .*",
        "Gemini가 모르는 키입니다. GEMINI_API_KEY에 맞는 키를 넣어 주세요.",
    ),
    (
        r"This key may not use Gemini: .*",
        "이 키로는 Gemini를 쓸 수 없습니다. Generative Language API를 허용하거나"
        " GEMINI_API_KEY를 바꿔 주세요.",
    ),
    (
        r"(?P<model>.*) is not served any more: .*",
        "이제 쓸 수 없는 모델입니다: {model}. ALBUM_GEMINI_MODEL을 바꿔 주세요.",
    ),
    (
        r"Gemini has a fault of its own .*",
        "지금 Gemini 쪽에 문제가 있습니다. 나중에 다시 해 주세요.",
    ),
    (
        r"Gemini refused the request \((?P<code>.*)\): (?P<said>.*)",
        "Gemini가 요청을 거절했습니다({code}): {said}",
    ),
    (
        r"Gemini declined this photo \((?P<reason>.*)\)\.",
        "Gemini가 이 사진의 설명을 사양했습니다({reason}).",
    ),
    (
        r"Gemini answered without a caption: .*",
        "Gemini의 답에 설명이 없습니다. 직접 쓰거나 다른 모델에 물어보세요.",
    ),
    (
        r"Gemini did not translate this \((?P<reason>.*)\): .*",
        "Gemini가 번역하지 않았습니다({reason}). 다른 말로 써 주세요.",
    ),
    (
        r"Gemini answered with something other than a translation: .*",
        "Gemini의 답이 번역이 아닙니다. 다른 말로 써 주세요.",
    ),
    (
        r"Searches can be translated into (?P<codes>.*)\.",
        "찾는 말은 en(영어)이나 ko(한국어)로 옮길 수 있습니다.",
    ),
    (
        r"(?P<n>\d+) characters at most can be translated; .*",
        "{n}자까지 번역할 수 있습니다. 더 짧게 써 주세요.",
    ),
    # Models
    (
        r"The model is still being loaded; .*",
        "모델을 아직 불러오는 중입니다. 조금 뒤에 다시 해 주세요.",
    ),
    (
        r'This machine has no device "(?P<name>.*)": set ALBUM_DEVICE to (?P<found>.*)\.',
        "이 컴퓨터에 없는 장치입니다: {name}. ALBUM_DEVICE에 쓸 수 있는 값: {found}.",
    ),
    (
        r"The weights of (?P<model>.*) are not on this machine yet: .*",
        "{model} 모델이 아직 이 컴퓨터에 없습니다. 인터넷이 되는 곳에서 사진첩을 한 번 시작하거나"
        " ALBUM_MODEL=pocket으로 두세요.",
    ),
    (
        r"(?P<model>.*) does not fit into the memory of the (?P<device>.*) device: .*",
        "{model} 모델이 {device} 메모리에 들어가지 않습니다. ALBUM_DEVICE=cpu로 두거나"
        " ALBUM_MODEL을 더 작은 모델로 바꿔 주세요.",
    ),
    (
        r"The weights of (?P<model>.*) are damaged or made for another architecture: "
        r"replace or delete (?P<file>.*), or .*",
        "{model} 모델 파일이 손상되었거나 맞지 않습니다. {file}을(를) 바꾸거나 지우고, 아니면"
        " ALBUM_MODEL을 바꿔 주세요.",
    ),
    (
        r'"(?P<spec>.*)" does not name a model: .*',
        "모델 이름이 아닙니다: {spec}. ALBUM_MODEL을 auto나 pocket, 또는"
        " ViT-B-32/laion2b_s34b_b79k처럼 정해 주세요.",
    ),
    (
        r'open_clip knows no architecture "(?P<name>.*)": .*',
        "open_clip에 없는 구조입니다: {name}. ALBUM_MODEL을 바꾸거나 auto로 두세요.",
    ),
    (
        r'No weights "(?P<tag>.*)" are published for (?P<name>.*): .* example, (?P<known>.*)\.',
        "{name}에는 {tag} 가중치가 없습니다. 예를 들어 ALBUM_MODEL을 {known}(으)로 정해 주세요.",
    ),
    (
        r"The weights of (?P<model>.*) were replaced: .*",
        "{model}의 가중치 파일이 바뀌었습니다. 사진첩을 다시 시작해 주세요.",
    ),
    (
        r"The texts of the model folder (?P<folder>.*) cannot be read without torch: (?P<why>.*)",
        "모델 폴더 {folder}의 글을 torch 없이 읽을 수 없습니다: {why}",
    ),
    (
        r"There is no weights file (?P<path>.*): .*",
        "모델 파일이 없습니다: {path}. ALBUM_MODEL의 경로를 고쳐 주세요.",
    ),
    (
        r"The weights file (?P<path>.*) cannot be read: .*",
        "모델 파일을 읽을 수 없습니다: {path}. 되살리거나 ALBUM_MODEL을 바꿔 주세요.",
    ),
    (
        r"The weights file (?P<path>.*) changed while it was read: .*",
        "모델 파일을 읽는 동안 파일이 바뀌었습니다: {path}. 복사가 끝난 뒤 다시 시도해 주세요.",
    ),
    (
        r"The model hub has no weights of (?P<model>.*) any more: .*",
        "{model} 모델을 이제 받을 수 없습니다. ALBUM_MODEL을 다른 모델로 바꿔 주세요.",
    ),
    (
        r"The weights of (?P<model>.*) could not be downloaded: .*",
        "{model} 모델을 받지 못했습니다. 인터넷 연결과 디스크 공간을 확인해 주세요. 함께 들어 있는"
        " 작은 모델로 계속하려면 ALBUM_MODEL=pocket으로 두세요.",
    ),
    (
        r"(?P<model>.*) is not in use yet: .*",
        "{model} 모델은 아직 쓰이지 않습니다. 사진첩을 한 번 시작하면 모델을 받고, 모든 사진을"
        " 익힌 뒤에 바꿔 씁니다.",
    ),
    *EXPORT_KOREAN,
    # What any file may be, so after all that say more
    (r"(?P<file>.*) cannot be read: (?P<why>.*)\.", "파일을 읽을 수 없습니다: {file} ({why})."),
)

QUEUED: Final = " The photo stays in the queue."


def in_language(language: str, sentence: str) -> str:
    """`sentence` in the reader's language, or as it is where no translation fits."""
    if language != "ko":
        return sentence
    if sentence.endswith(QUEUED):
        first = in_language(language, sentence.removesuffix(QUEUED))
        return f"{first} 사진은 차례를 기다립니다."
    for pattern, korean in KOREAN:
        if match := re.fullmatch(pattern, sentence, re.DOTALL):
            return korean.format(**match.groupdict())
    return sentence
