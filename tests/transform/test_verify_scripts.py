"""Copies, trimmed copies and templates in scripts of all kinds, in texts of our own."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from planted import print_of

from transform.model import ArticleId, Match, MatchKind
from transform.verify import History, MatchPolicy, Side, verify

POLICY = MatchPolicy()


@dataclass(frozen=True)
class Language:
    report: tuple[str, ...]  # sentences
    other: str  # a sentence of another report
    weather: str  # with places for a town and five figures
    towns: tuple[str, str]


LANGUAGES = {
    "Russian": Language(
        report=(
            "Паром «Кестрел» с 214 пассажирами шесть часов дрейфовал в проливе во время шторма.",
            "Буксир из Порт-Эллери подошёл к судну около полуночи, сообщил капитан порта Олег Дымов.",
            "По его словам, двигатель отказал через двадцать минут после выхода из гавани.",
            "Никто не пострадал, но четырёх человек отвезли в больницу с переохлаждением.",
            "Компания «Северные линии» пообещала вернуть деньги всем, кто был на борту.",
            "Следующий рейс назначен на четверг, если инспекторы закончат проверку машины.",
        ),
        other="Городской совет отложил голосование о новом мосте до осени из-за нехватки средств.",
        weather="Завтра в городе {} ожидается переменная облачность, днём {} градусов, ночью {}, ветер до {} метров в "
        "секунду. Влажность воздуха составит {} процентов, давление {} миллиметров. Синоптики советуют водителям быть "
        "внимательнее на дорогах и напоминают о необходимости закрепить лодки у причалов.",
        towns=("Северск", "Заречный"),
    ),
    "Arabic": Language(
        report=(
            "انجرفت العبارة التي تقل 214 راكبا ست ساعات في المضيق خلال العاصفة قبل أن تصل إليها قاطرة من الميناء.",
            "وقال مدير الميناء إن المحرك توقف بعد عشرين دقيقة من مغادرة المرفأ في مساء يوم الثلاثاء.",
            "ولم يصب أحد بأذى لكن أربعة أشخاص نقلوا إلى المستشفى بسبب انخفاض حرارة أجسامهم.",
            "ووعدت الشركة المالكة بإعادة ثمن التذاكر إلى جميع من كانوا على متن السفينة.",
            "ومن المقرر أن تبحر الرحلة التالية يوم الخميس إذا أنهى المفتشون فحص المحركات.",
            "وطالب نواب محليون بتحقيق مستقل في أسباب تأخر عملية الإنقاذ حتى منتصف الليل.",
        ),
        other="أجل مجلس المدينة التصويت على الجسر الجديد إلى الخريف بسبب نقص الأموال في الموازنة.",
        weather="يتوقع أن يكون الطقس غدا في مدينة {} غائما جزئيا وتبلغ الحرارة نهارا {} درجة وليلا {} درجات وسرعة "
        "الرياح {} كيلومترا في الساعة. وتصل الرطوبة إلى {} في المئة والضغط إلى {} مليبار. وينصح مركز الأرصاد السائقين "
        "بتوخي الحذر على الطرق ويذكر أصحاب القوارب بتفقد مراسيها قبل المساء.",
        towns=("الواحة", "المنارة"),
    ),
    "Chinese": Language(
        report=(
            "一艘载有214名乘客的渡轮周二晚间在海峡中失去动力，在风暴里漂流了六个小时。",
            "港务局长表示，发动机在离港二十分钟后停止运转，船员随即发出求救信号。",
            "拖船在午夜前后赶到现场，并于清晨把渡轮拖回了北港码头。",
            "事故没有造成人员受伤，但有四名乘客因体温过低被送往医院观察。",
            "运营公司承诺向船上所有人退还票款，并为错过转机的旅客安排住宿。",
            "如果检查人员按时完成对机舱的检验，下一班船将在星期四照常开出。",
        ),
        other="由于资金不足，市议会把关于新桥的表决推迟到了秋天，反对者对此表示欢迎。",
        weather="气象台预计，明天{}多云，白天最高气温{}度，夜间最低气温{}度，风力{}级。空气湿度为百分之{}，气压为{}百帕。"
        "气象台提醒驾驶员注意行车安全，并请船主在傍晚之前检查缆绳。更多消息请留意明早六点的天气预报。",
        towns=("临海", "安山"),
    ),
    "Japanese": Language(
        report=(
            "乗客214人を乗せたフェリーが火曜日の夜、海峡で動力を失い、嵐の中を六時間漂流した。",
            "港湾局によると、エンジンは出港から二十分後に停止し、乗組員がすぐに救助を求めた。",
            "タグボートは真夜中ごろ現場に着き、明け方までにフェリーを北港の岸壁へ引き戻した。",
            "けが人はいなかったが、四人が低体温症の疑いで病院に運ばれ、手当てを受けている。",
            "運航会社は乗っていた全員に運賃を払い戻し、宿泊先を用意すると約束した。",
            "検査官が機関室の点検を終えれば、次の便は木曜日に予定どおり出港する見通しだ。",
        ),
        other="市議会は財源の不足を理由に、新しい橋についての採決を秋まで延期することを決めた。",
        weather="気象台によると、あすの{}は曇りで、日中の最高気温は{}度、夜の最低気温は{}度、風速は{}メートルの見込み。"
        "湿度は{}パーセント、気圧は{}ヘクトパスカルになる。気象台は運転する人に注意を呼びかけ、船の持ち主には夕方までに"
        "綱を確かめるよう求めている。次の予報はあす朝六時に発表される。",
        towns=("みなと市", "やまと町"),
    ),
    "Thai": Language(
        report=(
            "เรือข้ามฟากที่มีผู้โดยสาร 214 คนสูญเสียกำลังเครื่องยนต์ในช่องแคบเมื่อคืนวันอังคารและลอยอยู่กลางพายุนานหกชั่วโมง",
            "ผู้อำนวยการท่าเรือกล่าวว่าเครื่องยนต์หยุดทำงานหลังออกจากท่าได้ยี่สิบนาทีและลูกเรือได้ส่งสัญญาณขอความช่วยเหลือทันที",
            "เรือลากจูงไปถึงที่เกิดเหตุราวเที่ยงคืนและลากเรือกลับเข้าท่าเรือเหนือได้ในตอนเช้ามืด",
            "ไม่มีผู้ได้รับบาดเจ็บแต่มีสี่คนถูกนำส่งโรงพยาบาลเพราะอุณหภูมิร่างกายต่ำเกินไป",
            "บริษัทเดินเรือสัญญาว่าจะคืนค่าโดยสารให้ทุกคนบนเรือและจัดหาที่พักให้ผู้ที่พลาดการเดินทางต่อ",
            "หากเจ้าหน้าที่ตรวจสอบห้องเครื่องเสร็จทันเวลาเรือเที่ยวต่อไปจะออกเดินทางในวันพฤหัสบดี",
        ),
        other="สภาเมืองเลื่อนการลงมติเรื่องสะพานแห่งใหม่ไปจนถึงฤดูใบไม้ร่วงเพราะงบประมาณไม่เพียงพอ",
        weather="พรุ่งนี้อำเภอ{} มีเมฆบางส่วน อุณหภูมิสูงสุด {} องศา ต่ำสุด {} องศา ลมแรง {} กิโลเมตรต่อชั่วโมง "
        "ความชื้นสัมพัทธ์ร้อยละ {} ความกดอากาศ {} มิลลิบาร์ กรมอุตุนิยมวิทยาขอให้ผู้ขับขี่ระมัดระวังบนท้องถนน"
        "และขอให้เจ้าของเรือตรวจสอบเชือกผูกเรือก่อนค่ำ",
        towns=("เขาใหญ่", "บางน้ำ"),
    ),
}
every_language = pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)


@every_language
def test_a_copy_with_one_sentence_changed_is_the_same(language: Language) -> None:
    changed = (*language.report[:3], language.other, *language.report[4:])
    assert judge(text(language.report), text(changed)).kind is MatchKind.SAME


@every_language
def test_a_trimmed_copy_finds_its_text(language: Language) -> None:
    match = judge(text(language.report), text(language.report[:3]))
    assert match.kind in (MatchKind.SAME, MatchKind.CONTAINED), match


@every_language
def test_a_template_with_other_figures_is_different(language: Language) -> None:
    one = language.weather.format(language.towns[0], 11, 3, 24, 71, 1008)
    other = language.weather.format(language.towns[1], 17, 8, 35, 64, 1013)
    match = judge(one, other)
    assert match.jaccard > POLICY.same_jaccard  # by the wording alone they would be one
    assert match.kind is MatchKind.DIFFERENT, match


@every_language
def test_two_reports_that_share_a_sentence_are_different(language: Language) -> None:
    assert judge(text(language.report), text((language.report[0], language.other))).kind is not MatchKind.SAME


def text(sentences: tuple[str, ...]) -> str:
    return "\n\n".join(sentences)


def judge(left: str, right: str) -> Match:
    one = Side(id=ArticleId(1), day=100, source=1, print=print_of(left))
    other = Side(id=ArticleId(2), day=100, source=2, print=print_of(right))
    return verify(one, other, History(days=POLICY.stop_days), POLICY)
