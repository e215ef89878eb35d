"""Nobody whose row says that they left, in the words of any tool, becomes confirmed without a question."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.audience.importing import Survey, survey, write
from publisher.audience.standing import ImportStatus
from publisher.audience.suppressions import suppression
from publisher.config.model import Config
from publisher.database import open_database


def look(tmp_path: Path, content: str, name: str = "people.csv", **answers: str) -> Survey:
    (tmp_path / name).write_text(content, encoding="utf-8")
    said = {key: ImportStatus(value) for key, value in answers.items()}
    return survey(tmp_path / name, answers=said, complain=lambda problem: pytest.fail(problem.message))


def became(config: Config, found: Survey) -> dict[str, str]:
    """By local part: the state, or the reason of the suppression."""
    from publisher.audience import store
    from publisher.audience.address import read_address

    assert found.questions == []
    database = open_database(config)
    write(database, found)
    with database.connect() as connection:
        result = {}
        for line in found.file.path.read_text("utf-8").splitlines()[1:]:
            address = read_address(next(cell for cell in line.split(",") if "@" in cell))
            held, person = suppression(connection, address.mailbox_key), store.find(connection, address)
            key = address.address.split("@")[0]
            result[key] = held.reason.value if held else person.state.value if person else "nobody"
    return result


def test_who_paused_elsewhere_is_a_question(tmp_path: Path) -> None:
    content = "subscription_id,email,status\n1,a@example.com,active\n2,b@example.com,paused\n"
    (question,) = look(tmp_path, content).questions
    assert "'paused' (1 row)" in str(question)
    assert "'active'" not in str(question)


EXPORTS = {
    "in German": (
        "E-Mail,Vorname,Status\na@example.com,J,aktiv\nb@example.com,U,abgemeldet\n",
        {"a": "confirmed", "b": "unsubscribed"},
    ),
    "a German moment": (
        "E-Mail,Angemeldet am,Abgemeldet am\na@example.com,2023-01-01,\nb@example.com,2023-01-01,03.02.2024 10:11\n",
        {"a": "confirmed", "b": "unsubscribed"},
    ),
    "a Chinese moment": (
        "邮箱,订阅时间,退订时间\na@example.com,2023-01-01,\nb@example.com,2023-01-01,2024-01-01 10:00:00\n",
        {"a": "confirmed", "b": "unsubscribed"},
    ),
    "a Chinese yes": ("邮箱,是否订阅\na@example.com,是\nb@example.com,否\n", {"a": "confirmed", "b": "unsubscribed"}),
    "a French moment": (
        "Adresse e-mail,Date de désinscription\na@example.com,\nb@example.com,2024-02-02\n",
        {"a": "confirmed", "b": "unsubscribed"},
    ),
    "in French": (
        "email,prénom,statut\na@example.com,Z,abonné\nb@example.com,L,désabonné\nc@example.com,M,désinscrit\n",
        {"a": "confirmed", "b": "unsubscribed", "c": "unsubscribed"},
    ),
    "sendy": (
        (
            "Name,Email,Joined,Status\nA,a@example.com,2020,Subscribed\nB,b@example.com,2020,Bounced\n"
            "C,c@example.com,2020,Complaint\nD,d@example.com,2020,Unsubscribed\nE,e@example.com,2020,Unconfirmed\n"
        ),
        {"a": "confirmed", "b": "bounce", "c": "complaint", "d": "unsubscribed", "e": "pending"},
    ),
    "keila": (
        (
            "Email,First name,Last name,Data,Status,External ID\nk1@example.com,K,O,{},active,\n"
            "k2@example.com,K,T,{},unsubscribed,\nk3@example.com,K,U,{},unreachable,\n"
        ),
        {"k1": "confirmed", "k2": "unsubscribed", "k3": "bounce"},
    ),
    "kit": (
        (
            "first_name,email_address,status\nA,a@example.com,active\nB,b@example.com,cancelled\n"
            "C,c@example.com,bounced\nD,d@example.com,complained\n"
        ),
        {"a": "confirmed", "b": "unsubscribed", "c": "bounce", "d": "complaint"},
    ),
    "beehiiv": (
        (
            "email,status,unsubscribed_at\na@example.com,active,\nb@example.com,validating,\nc@example.com,invalid,\n"
            "d@example.com,active,2024-05-06T07:08:09Z\n"
        ),
        {"a": "confirmed", "b": "pending", "c": "bounce", "d": "unsubscribed"},
    ),
    "mautic": (
        "email,firstname,doNotEmail\na@example.com,A,0\nb@example.com,B,1\n",
        {"a": "confirmed", "b": "manual"},
    ),
    "mailchimp, a part": (
        "Email Address,First Name,UNSUB_TIME,UNSUB_REASON\nm@example.com,M,2021-02-03 04:05:06,NORMAL\n",
        {"m": "unsubscribed"},
    ),
    "mailchimp, the reason alone": (
        "Email Address,UNSUB_REASON\nm@example.com,NORMAL\nn@example.com,\n",
        {"m": "unsubscribed", "n": "confirmed"},
    ),
    "ghost, deleted": (
        (
            "id,email,subscribed_to_emails,created_at,deleted_at\n1,a@example.com,true,2023,2024-01-02T03:04:05.000Z\n"
            "2,b@example.com,true,2023,\n3,c@example.com,false,2023,\n"
        ),
        {"a": "unsubscribed", "b": "confirmed", "c": "unsubscribed"},
    ),
    "mailpoet": (
        "Email,Global status\na@example.com,Subscribed\nb@example.com,Bounced\n",
        {"a": "confirmed", "b": "bounce"},
    ),
    "klaviyo": (
        (
            "Email,Email Marketing Consent\na@example.com,SUBSCRIBED\nb@example.com,UNSUBSCRIBED\n"
            "c@example.com,NEVER_SUBSCRIBED\n"
        ),
        {"a": "confirmed", "b": "unsubscribed", "c": "nobody"},
    ),
    "shopify": (
        "Email,Accepts Email Marketing\na@example.com,yes\nb@example.com,no\n",
        {"a": "confirmed", "b": "unsubscribed"},
    ),
    "marketing": (
        "Email,Accepts Marketing,Marketing\na@example.com,yes,yes\nb@example.com,no,no\nc@example.com,yes,no\n",
        {"a": "confirmed", "b": "unsubscribed", "c": "unsubscribed"},
    ),
    "phplist": (
        "email,confirmed,blacklisted\na@example.com,1,0\nb@example.com,0,0\nc@example.com,1,1\n",
        {"a": "confirmed", "b": "pending", "c": "manual"},
    ),
    "brevo": (
        "EMAIL,OPT_IN,EMAIL_BLOCKLISTED\na@example.com,true,false\nb@example.com,true,true\n",
        {"a": "confirmed", "b": "manual"},
    ),
    "chinese": (
        "邮箱,状态\na@example.com,已订阅\nb@example.com,已退订\n",
        {"a": "confirmed", "b": "unsubscribed"},
    ),
    "a group": (
        "email,Gruppe\na@example.com,Abgemeldet\nb@example.com,Abgemeldet\n",
        {"a": "unsubscribed", "b": "unsubscribed"},
    ),
    "buttondown": (
        (
            "email,type,creation_date,unsubscription_date\na@example.com,past_due,2023,\n"
            "b@example.com,regular,2023,2024-01-01\nc@example.com,churned,2023,\n"
        ),
        {"a": "confirmed", "b": "unsubscribed", "c": "confirmed"},
    ),
    "mailerlite": (
        "Subscriber,Status,Subscribed\na@example.com,Active,2023-01-01\nb@example.com,Junk,2023-01-01\n",
        {"a": "confirmed", "b": "complaint"},
    ),
    "beside email": ("Subscriber,Email,Subscribed\nAnn,a@example.com,2023-01-01\n", {"a": "confirmed"}),
    "mailjet": (
        "email,IsExcludedFromCampaigns,IsUnsubscribed\na@example.com,true,false\nb@example.com,false,true\n",
        {"a": "manual", "b": "unsubscribed"},
    ),
    "hubspot": (
        "Email,Opted out of email: Marketing Information\na@example.com,\nb@example.com,Yes\n",
        {"a": "confirmed", "b": "unsubscribed"},
    ),
    "whole phplist": (
        (
            "email,confirmed,blacklisted,bouncecount,optedin,disabled\n"
            "a@example.com,1,0,0,0,0\nb@example.com,0,0,0,0,0\nc@example.com,1,0,0,0,1\n"
        ),
        {"a": "confirmed", "b": "pending", "c": "unsubscribed"},
    ),
    "other ways": (
        (
            "Email,Email Marketing Consent,SMS Marketing Consent,短信退订,Phone opt-in\n"
            "a@example.com,SUBSCRIBED,NEVER_SUBSCRIBED,是,no\nb@example.com,UNSUBSCRIBED,SUBSCRIBED,否,yes\n"
        ),
        {"a": "confirmed", "b": "unsubscribed"},
    ),
    "a status in words": (
        "email,Status text\na@example.com,Subscribed\nb@example.com,Unsubscribed\n",
        {"a": "confirmed", "b": "unsubscribed"},
    ),
    "other headers": (
        (
            "email,DOUBLE_OPT-IN,deliverable,unconfirmed,状態,Consent\na@example.com,yes,yes,no,,given\n"
            "b@example.com,no,yes,no,,given\nc@example.com,yes,no,no,,\nd@example.com,yes,yes,yes,,\n"
            "e@example.com,yes,yes,no,未订阅,\nf@example.com,yes,yes,no,,withdrawn\n"
        ),
        {"a": "confirmed", "b": "pending", "c": "unsubscribed", "d": "pending", "e": "nobody", "f": "unsubscribed"},
    ),
}


LEFT = {  # header: (a value, what it makes of the person)
    "Stop Time": ("2020-01-02", "unsubscribed"),
    "IsSpamComplaining": ("true", "complaint"),
    "IsOptInPending": ("true", "pending"),
    "Invalid Email Address": ("true", "bounce"),
    "Deaktiviert": ("03.02.2021 11:00", "unsubscribed"),
    "nomail": ("on", "unsubscribed"),
    "No Bulk Emails (User Opt Out)": ("Yes", "unsubscribed"),
    "Do not allow Bulk Emails": ("Do Not Allow", "unsubscribed"),
    "Marked email as spam": ("1", "complaint"),
    "Data disiscrizione": ("01/02/2020", "unsubscribed"),
    "Uitgeschreven op": ("01-02-2020", "unsubscribed"),
    "Дата отписки": ("01.02.2020", "unsubscribed"),
    "退会日": ("2020/01/02", "unsubscribed"),
    "수신 거부": ("Y", "unsubscribed"),
    "邮箱拒收": ("是", "manual"),
    "Bounceback Date": ("2020-01-02", "bounce"),
    "Blacklisté": ("oui", "manual"),
    "是否接收邮件": ("否", "unsubscribed"),
    "分组": ("退订用户", "unsubscribed"),
    "Email Suppressions": ("['USER_SUPPRESSED']", "manual"),
    "Marketing": ("❌ Not opted in", "unsubscribed"),
    "is_subscriber": ("f", "unsubscribed"),
    "double_optin": ("0", "pending"),
    "Mail and SMS consent": ("no", "unsubscribed"),
    "同意接收短信和邮件": ("否", "unsubscribed"),
    "メルマガ希望": ("希望しない", "unsubscribed"),
    "DSGVO-Einwilligung": ("nein", "unsubscribed"),
    "Zgoda": ("nie", "unsubscribed"),
    "doi_confirmed": ("0", "pending"),
    "reported spam": ("x", "complaint"),
    "Email frequency": ("never", "unsubscribed"),
    "Estado": ("Cancelada", "unsubscribed"),
    "Статус подписки": ("Отписан", "unsubscribed"),
}
EXPORTS["headers of more tools"] = (
    f"email,{','.join(LEFT)}\nfine@example.com\n"
    + "".join(f"p{n}@example.com,{',' * n}{value}\n" for n, (value, _) in enumerate(LEFT.values())),
    {"fine": "confirmed"} | {f"p{n}": became for n, (_, became) in enumerate(LEFT.values())},
)


@pytest.mark.parametrize("tool", EXPORTS)
def test_every_tool_s_words_are_read(config: Config, tmp_path: Path, tool: str) -> None:
    content, expected = EXPORTS[tool]
    assert became(config, look(tmp_path, content)) == expected


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("email,Status\na@example.com,Subscribed\nb@example.com,Lapsed\n", "'Lapsed' (1 row)"),
        ("email,status\na@example.com,1\nb@example.com,2\nc@example.com,2\n", "'2' (2 rows)"),  # Mailtrain's numbers
        ("email,status\na@example.com,inactive\n", "'inactive'"),  # unconfirmed to one tool, gone to another
        ("email,Status\na@example.com,Soft bounced\n", "'Soft bounced'"),
        ("email,opt_in\na@example.com,x\nb@example.com,\n", "'' (1 row)"),  # a box that was not ticked
        ("email,Cancel date\na@example.com,2024-01-01\n", "'2024-01-01'"),  # the newsletter, or a paid plan
        ("email,Group\na@example.com,Unsubscribed\nb@example.com,VIP\n", "'VIP'"),
        ('email,Tags\na@example.com,"VIP, unsubscribed"\nb@example.com,VIP\n', "'VIP'"),
        ("email,DOUBLE_OPT-IN\na@example.com,1\nb@example.com,2\n", "'2' (1 row)"),  # no, in Brevo's numbers
        ("email,paused\na@example.com,yes\n", "'yes'"),
        ("email,Paused until\na@example.com,2030-01-01\n", "'2030-01-01'"),
        ("email,Gekündigt\na@example.com,ja\n", "'ja'"),
        ("email,Newsletter & SMS opt-out\na@example.com,yes\n", "'yes'"),
        ("email,邮件短信退订\na@example.com,是\n", "'是'"),
        ('email,Tags\na@example.com,\nb@example.com,"投诉, 深圳"\n', "'投诉, 深圳' (1 row)"),  # a topic, or a complaint
        ("email,Interest\na@example.com,bounce\nb@example.com,bounced\n", "'bounce' (1 row)"),
        ("email,activated,registered\na@example.com,2024-01-01,2024-01-01\nb@example.com,,2024-01-01\n", "'' (1 row)"),
        ("email,confirmed_at\na@example.com,2024-01-01\nb@example.com,NULL\n", "'' (1 row)"),
        ("email,Double opt-in confirmation date\na@example.com,\nb@example.com,1.2.2024\n", "'' (1 row)"),
        ("email,email_verified_at\na@example.com,2024-01-01 10:00\nb@example.com,\n", "'' (1 row)"),
        ("email,Unsubscribed by phone\na@example.com,yes\n", "'yes'"),
        ("email,Opted out via SMS on\na@example.com,2024-01-01\n", "'2024-01-01'"),
        ("email,状態\na@example.com,無効\n", "'無効'"),
        ("email,delivery_status\na@example.com,enabled\nb@example.com,by_bounces\n", "'by_bounces'"),
        ("email,Estado\na@example.com,Activo\nb@example.com,Rebotado\n", "'Rebotado'"),
        ("email,Confirmed Opt-Out Date\na@example.com,2020-01-02\n", "'2020-01-02'"),
        ("email,opt_status\na@example.com,in\nb@example.com,out\n", "'out'"),
        ("email,LAST_UNSUB\na@example.com,2020-01-02\n", "'2020-01-02'"),
        ("email,Email Suspended\na@example.com,true\n", "'true'"),
        ("email,unsubscribedChannelIds\na@example.com,[]\nb@example.com,[12]\n", "'[12]'"),
        ("email,unsubscribed\na@example.com,perhaps\n", "'perhaps'"),
        ("email,status\na@example.com,b@example.com\n", "a value that is not shown"),
    ],
)
def test_a_value_that_is_not_known_is_a_question(tmp_path: Path, content: str, word: str) -> None:
    [question] = look(tmp_path, content).questions
    assert word in question
    assert "@" not in question


@pytest.mark.parametrize(
    "content",
    [
        "email,State\na@example.com,California\nb@example.com,OK\n",
        "email,Marital status\na@example.com,married\nb@example.com,single\n",
        "email,note\na@example.com,asked how to unsubscribe\n",
        "email,Unsubscribe link\na@example.com,https://x.example.com/u/1\n",
        "email,subscribed_at,OPTIN_TIME,CONFIRM_TIME\na@example.com,2020-01-01,,\n",
        "email,bounce count,Spam score\na@example.com,0,3\n",
        "email,Newsletter,Email frequency,Frequency\na@example.com,weekly,daily,none\n",
        "email,active_subscription,email_disabled\na@example.com,false,false\n",  # of Substack: who pays
        "email,Cancelled orders\na@example.com,3\n",
        'email,Tags\na@example.com,"bounce-test, vip"\nb@example.com,Bounce rate course\n',
        "email,Status\na@example.com,\n",
        "email,Estado\na@example.com,Bahia\n",
        "email,Emails bounced\na@example.com,2\n",
        "email,opt_in\na@example.com,\n",
        "email,confirmed_at\na@example.com,\nb@example.com,\n",
        "email,verified by,Confirmation method\na@example.com,Ann,form\nb@example.com,,\n",
        "email,Do not contact by phone,SMS opt-out,Phone unsubscribed\na@example.com,yes,yes,yes\n",
    ],
)
def test_what_does_not_speak_of_a_subscription_confirms(config: Config, tmp_path: Path, content: str) -> None:
    assert set(became(config, look(tmp_path, content)).values()) == {"confirmed"}


def test_the_operator_answers_by_value_or_by_column(config: Config, tmp_path: Path) -> None:
    content = "email,Status\na@example.com,Lapsed\nb@example.com,active\nc@example.com,Old\nd@example.com,Lapsed\n"
    assert look(tmp_path, content, lapsed="unsubscribed").questions != []
    found = look(tmp_path, content, Lapsed="unsubscribed", old="skip")
    assert became(config, found) == {"a": "unsubscribed", "b": "confirmed", "c": "nobody", "d": "unsubscribed"}
    numbers = "email,status,bounced\na1@example.com,1,0\nb1@example.com,2,0\nc1@example.com,1,1\n"
    found = look(tmp_path, numbers, **{"1": "confirmed", "2": "unsubscribed"})
    assert became(config, found) == {"a1": "confirmed", "b1": "unsubscribed", "c1": "bounce"}
    grades = "email,Status\na2@example.com,gold\nb2@example.com,silver\n"
    found = look(tmp_path, grades, Status="confirmed")
    assert became(config, found) == {"a2": "confirmed", "b2": "confirmed"}
    some = look(tmp_path, grades.replace("2", "3"), Status="confirmed", silver="unsubscribed")
    assert became(config, some) == {"a3": "confirmed", "b3": "unsubscribed"}
    many = "email,Tags\n" + "".join(f"{n}@example.com,t{n}\n" for n in range(25)) + "z@example.com,unsubscribed\n"
    assert look(tmp_path, many, **{f"t{n}": "confirmed" for n in range(24)}).questions != []
    blanks = "email,Opt-in,Status\na4@example.com,yes,\nb4@example.com,,active\nc4@example.com,n/a,active\n"
    some = look(tmp_path, blanks, **{"": "unsubscribed"})
    assert became(config, some) == {"a4": "confirmed", "b4": "unsubscribed", "c4": "unsubscribed"}
    assert found.columns is not None
    assert found.columns.entry(2, ["a2@example.com", "gold"]).attributes == {"Status": "gold"}


@pytest.mark.parametrize(
    "name",
    [
        "nonsubscribed_members_8f.csv",
        "unsubscribed.csv",
        "bounces-2024.csv",
        "cleaned_members.csv",
        "退订_24.csv",
        "suppression-list.csv",
        "blocklist.csv",
        "unsubscribes.csv",
        "hardbounces.csv",
        "配信停止.csv",
    ],
)
def test_a_file_whose_name_says_that_nobody_wants_mail_is_a_question(config: Config, tmp_path: Path, name: str) -> None:
    content = "Email Address,OPTIN_TIME,CONFIRM_TIME\na@example.com,,\n"
    [question] = look(tmp_path, content, name).questions
    assert look(tmp_path, content, f"list {name}").questions == [question]
    word = name.replace("-", "_").replace(".", "_").split("_")[0]
    assert repr(word) in question
    assert became(config, look(tmp_path, content, name, **{word: "skip"})) == {"a": "nobody"}
    assert look(tmp_path, "email,UNSUB_TIME\na@example.com,2024-01-01\n", name).questions == []
