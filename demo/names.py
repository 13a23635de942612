"""People's names from many places, in their own scripts."""

import unicodedata
from collections.abc import Iterator
from random import Random

# Given and family names that go together; then others, each as it is written and as it stands in an address.
LATIN = [
    ("Abena Kwame Esi Yaw Efua", "Mensah Boateng Owusu Asante Darko"),
    ("Chidi Ngozi Emeka Adaeze Obinna", "Okafor Eze Nwosu Okonkwo Adeyemi"),
    ("Ana João Inês Tomás Beatriz", "Silva Sousa Araújo Gonçalves Magalhães"),
    ("Lucía Mateo Sofía Íñigo Ximena", "Reyes Núñez García Ibáñez Quiñones"),
    ("Jürgen Annegret Björn Käthe Signe", "Weber Müller Lindqvist Österberg Schröder"),
    ("Zoé Étienne Maëlle François Noémie", "Lefèvre Béranger Durand Côté Haddad"),
    ("Łukasz Zofia Wojciech Jiří Běla", "Nowak Wiśniewski Dvořák Šimek Żak"),
    ("Thảo Minh Đức Hương Linh", "Nguyễn Trần Phạm Lê Đặng"),
    ("Aoife Ciarán Rhys Niamh Eilidh", "Byrne O’Sullivan MacLeod Evans Gallagher"),
    ("Ayşe Çağrı Elif Gökhan Şebnem", "Yılmaz Öztürk Şahin Çelik Kaya"),
]
OTHERS = [
    ("さくら/sakura 健太/kenta 葵/aoi 大輔/daisuke", "山田/yamada 佐藤/sato 鈴木/suzuki 高橋/takahashi", "{1} {0}"),
    ("伟/wei 静/jing 芳/fang 明轩/mingxuan", "王/wang 李/li 张/zhang 陈/chen", "{1}{0}"),
    ("민준/minjun 서연/seoyeon 지우/jiwoo 하은/haeun", "김/kim 이/lee 박/park 최/choi", "{1}{0}"),
    ("محمد/mohammed ليلى/layla يوسف/yusuf نور/nour", "علي/ali حداد/haddad منصور/mansour", "{0} {1}"),
    ("נועה/noa איתי/itai תמר/tamar", "כהן/cohen לוי/levi מזרחי/mizrahi", "{0} {1}"),
    ("Олена/olena Дмитро/dmytro Соломія/solomiia", "Шевченко/shevchenko Коваль/koval", "{0} {1}"),
    ("Ελένη/eleni Γιώργος/giorgos Δήμητρα/dimitra", "Παπαδάκη/papadaki Νικολάου/nikolaou", "{0} {1}"),
    ("प्रिया/priya अर्जुन/arjun अनन्या/ananya", "शर्मा/sharma पटेल/patel अय्यर/iyer", "{0} {1}"),
    ("สมชาย/somchai มาลี/malee", "ศรีสุข/srisuk ใจดี/jaidee", "{0} {1}"),
]
PLAIN = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "ı": "i", "’": "", " ": "."})


def names(random: Random) -> Iterator[tuple[str, str]]:
    """Give people's names without end, each with what stands for it in an address."""
    others = [_pair(given, family, form) for group in OTHERS for given, family, form in _combined(*group)]
    random.shuffle(others)
    used = set()
    while True:
        if others and random.random() < 0.3:
            yield others.pop()
            continue
        given, family = random.choice(LATIN)
        family = family if random.random() < 0.6 else random.choice(LATIN)[1]  # families move
        name = f"{random.choice(given.split())} {random.choice(family.split())}"
        if name not in used or random.random() < 0.02:
            used.add(name)
            yield name, _ascii(name)


def _combined(given: str, family: str, form: str) -> Iterator[tuple[str, str, str]]:
    return ((one, other, form) for one in given.split() for other in family.split())


def _pair(given: str, family: str, form: str) -> tuple[str, str]:
    (given, plain_given), (family, plain_family) = given.split("/"), family.split("/")
    return form.format(given, family), f"{plain_given}.{plain_family}"


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.lower().translate(PLAIN))
    return plain.encode("ascii", "ignore").decode()
