"""Names and languages of the demo's invented families: many scripts, all drawable in letters but a handful."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """A naming tradition: given names by sex, surnames (masculine, feminine), how often it is spoken at home."""

    language: str
    boys: tuple[str, ...]
    girls: tuple[str, ...]
    surnames: tuple[tuple[str, str], ...]
    spoken: float
    muslim: bool = False


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _same(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((word.replace("_", " "), word.replace("_", " ")) for word in text.split())


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((pair.split("|")[0], pair.split("|")[1]) for pair in text.split())


ENGLISH = Origin(
    "en",
    _words("Oliver George Noah Arthur Harry Leo Jack Charlie Oscar Henry Theodore Alfie Samuel Thomas Reuben Jude Kai"),
    _words("Olivia Amelia Isla Ava Ivy Freya Lily Florence Mia Willow Rosie Sophia Grace Ruby Evie Phoebe Zoë Chloë"),
    _same(
        "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Walker "
        "White Edwards Green Hall Wood "
        "Harris Clarke Jackson Turner Hill Cooper Ward Morris Moore Baker Carter Shaw Bell Mason "
        "Fletcher Hargreaves Ainsworth "
        "Whitaker Pemberton Ashworth Smith-Jones Barlow Holroyd Sutcliffe Greenwood Lockwood Thackeray Ramsden Dyson"
    ),
    1.0,
)
IRISH = Origin(
    "ga",
    _words("Oisín Cian Fionn Darragh Tadhg Conor Seán Ruairí Eoin Cillian"),
    _words("Aoife Saoirse Niamh Caoimhe Róisín Ciara Sadhbh Éabha Gráinne Orlaith"),
    _same("Murphy Kelly O'Brien O'Connor Byrne Ryan McCarthy Fitzgerald Doyle Ó'Súilleabháin O'Shea Gallagher"),
    0.12,
)
WELSH = Origin(
    "cy",
    _words("Rhys Gethin Iestyn Owain Macsen Siôn"),
    _words("Cerys Angharad Siân Lowri Ffion Gwenllian"),
    _same("Llewellyn Pritchard Gwynne Bevan Prosser Môn"),
    0.15,
)
POLISH = Origin(
    "pl",
    _words("Jakub Łukasz Wojciech Kacper Szymon Stanisław Michał"),
    _words("Zofia Zuzanna Agnieszka Małgorzata Julia Maja Oliwia"),
    _pairs(
        "Kowalski|Kowalska Wiśniewski|Wiśniewska Nowak|Nowak Dąbrowski|Dąbrowska Wójcik|Wójcik Zieliński|Zielińska "
        "Szymański|Szymańska Kaźmierczak|Kaźmierczak Żurawski|Żurawska"
    ),
    0.8,
)
UKRAINIAN = Origin(
    "uk",
    _words("Олександр Дмитро Максим Тарас Богдан Ярослав"),
    _words("Дарина Олена Софія Ганна Марія Їванна"),
    _pairs(
        "Шевченко|Шевченко Коваленко|Коваленко Бондар|Бондар Ткачук|Ткачук Мельницький|Мельницька Левицький|Левицька"
    ),
    0.95,
)
ROMANIAN = Origin(
    "ro",
    _words("Andrei Mihai Ștefan Luca Matei Răzvan"),
    _words("Ioana Elena Maria Ștefania Ruxandra Anca"),
    _same("Popescu Ionescu Țurcanu Munteanu Brâncuși Dumitrașcu Ciobănescu"),
    0.85,
)
SPANISH = Origin(
    "es",
    _words("Mateo José Álvaro Iñigo Martín Andrés"),
    _words("Sofía Lucía Begoña Inés María Valentina"),
    _same("García_Núñez Rodríguez_López Fernández_Ibáñez Muñoz_Vega Peña_Díaz"),
    0.8,
)
PORTUGUESE = Origin(
    "pt",
    _words("João Gonçalo Tomás Simão Afonso"),
    _words("Beatriz Inês Conceição Leonor Matilde"),
    _same("da_Silva Santos Gonçalves Magalhães Assunção"),
    0.8,
)
ARABIC = Origin(
    "ar",
    _words("محمد أحمد يوسف عمر علي خالد"),
    _words("نور ليلى مريم فاطمة سارة زينب"),
    _same("حسن العلي الخطيب المصري حداد النجار"),
    0.95,
    muslim=True,
)
ARABIC_IN_LATIN = Origin(
    "ar",
    _words("Ahmed Omar Karim Bilal Ibrahim Hamza"),
    _words("Layla Amal Yasmin Nadia Salma Huda"),
    _same("Al-Hassan El-Amin Haddad Mansour Khoury Al-Najjar"),
    0.7,
    muslim=True,
)
PAKISTANI = Origin(
    "ur",
    _words("Muhammad Yusuf Zain Hassan Bilal Ayaan Ismail"),
    _words("Aisha Fatima Zainab Maryam Hira Sana Iqra"),
    _same("Khan Ahmed Hussain Malik Iqbal Shah Mahmood Akhtar"),
    0.45,
    muslim=True,
)
BENGALI = Origin(
    "bn",
    _words("Rafi Tanvir Arif Sabbir"),
    _words("Nusrat Tasnim Farzana Anika"),
    _same("Rahman Uddin Chowdhury Miah"),
    0.5,
    muslim=True,
)
PUNJABI = Origin(
    "pa",
    _words("Harpreet Arjun Jaspal Gurdeep Kabir"),
    _words("Simran Priya Jasleen Anjali Kiran"),
    _same("Singh Gill Sandhu Patel Dhillon"),
    0.35,
)
SOMALI = Origin(
    "so",
    _words("Abdi Liban Mahad Guled"),
    _words("Hodan Ayan Ifrah Sagal"),
    _same("Warsame Abdullahi Farah Jama"),
    0.75,
    muslim=True,
)
NIGERIAN = Origin(
    "en",
    _words("Chidi Emeka Tunde Olúwaṣeun Kwame"),
    _words("Ngozi Adaeze Abena Ọmọlará Ifeoma"),
    _same("Okafor Adeyemi Mensah Eze Balogun Nwosu"),
    1.0,
)
VIETNAMESE = Origin(
    "vi",
    _words("Minh Đức Quốc Huy Tuấn"),
    _words("Thị_Hương Ngọc Phương Thảo Yến"),
    _same("Nguyễn Trần Phạm Đặng Huỳnh"),
    0.75,
)
CHINESE = Origin(
    "zh", _words("Wei Junjie Haoran Yichen"), _words("Li Xinyi Yutong Meiling"), _same("Wang Li Zhang Chen Lin"), 0.85
)
CHINESE_IN_HAN = Origin("zh", _words("伟 浩然 子轩"), _words("丽 欣怡 美玲"), _same("王 李 张"), 1.0)
TURKISH = Origin(
    "tr", _words("Emre Yiğit Çağlar"), _words("Tuğba Elif Şule"), _same("Yılmaz Çelik Öztürk Işık"), 0.6, muslim=True
)
LITHUANIAN = Origin(
    "lt",
    _words("Jonas Lukas Mantas"),
    _words("Ugnė Gabija Eglė"),
    _pairs("Kazlauskas|Kazlauskaitė Petrauskas|Petrauskaitė Žukauskas|Žukauskaitė"),
    0.8,
)

ORIGINS: tuple[tuple[Origin, float], ...] = (
    (ENGLISH, 60.0),
    (IRISH, 5.0),
    (WELSH, 1.5),
    (POLISH, 5.5),
    (PAKISTANI, 5.0),
    (ROMANIAN, 3.5),
    (PUNJABI, 3.0),
    (NIGERIAN, 3.0),
    (UKRAINIAN, 2.5),
    (ARABIC, 1.5),
    (ARABIC_IN_LATIN, 1.5),
    (BENGALI, 1.5),
    (SPANISH, 1.5),
    (PORTUGUESE, 1.3),
    (SOMALI, 1.2),
    (VIETNAMESE, 0.8),
    (CHINESE, 0.8),
    (TURKISH, 0.7),
    (LITHUANIAN, 0.7),
)

# No district in particular; HB, the postcode area that goes with the town, does not exist.
PLACES = _words(
    "Harrowby Millbrook Oakfield Saltmarsh Fernhill Kestrel Larkspur Tidewater Ashgrove "
    "Brackenhurst Copperfield Downsway Elmstead "
    "Foxglove Gatehouse Hollybank Ironbridge_Road Juniper Kingsmead Longacre Meadowlands "
    "Northgate Orchard Pinewood Quarry_Bank "
    "Riverside Stonecross Thornbury_Lane Underhill Valley_Road Westbrook Yewtree Windmill "
    "Beacon Castle_Hill Dovecote Eastfield "
    "Fairview Greenlane Heathfield Ivybridge_Road Kilnwood Lowmoor Marlpit Newlands Oldfield "
    "Priory Redhill Summerfield Woodvale"
)
STREETS = _words(
    "Mill Church Station Victoria Park Albert Orchard Chapel Meadow Quay Cobden Wesley Lime "
    "Hawthorn Garden Bridge Cross"
)
KINDS_OF_STREET = ("Street", "Road", "Lane", "Avenue", "Close", "Terrace")
TOWN = "Harrowby"
