"""Mail, Slack, web hooks: what people read there, and what never stands anywhere."""

import json
import logging
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from orchestration.alerts import send_test, settings, texts
from orchestration.alerts.channels import faults_of, scrubbed
from orchestration.alerts.words import Message, combined
from orchestration.errors import UsageError
from orchestration.runs import State
from orchestration.validate import alerting
from tests.python.alerts.conftest import QUICK
from tests.python.alerts.world import ROOT, Hook, Mailbox, World, at

RUN = at("03-05 06:00")
NOW = RUN + timedelta(minutes=5)
NASTY = "<b>S1</b>\n*bold* <!channel> [x](http://evil) \u202eevil"
# A number that passes the check of card numbers.
CARD = "4111111111111111"


def nasty(world: World) -> None:
    """What a counterparty's name and a text may hold."""
    world.open("a" * 32, RUN, counterparty_id=NASTY, explanation=f"Paid with {CARD}.\r\nBcc: x@example.com")
    world.publish()
    world.run(RUN)


def test_mail_is_html_in_which_markup_is_text(world: World, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_TO", "finance@example.com")
    url = f"mailto://127.0.0.1:{mailbox.port}?from=tieout@example.com&to=${{MAIL_TO}}"
    world.configure(channels={"mail": {"urls": url}}, routes=[{"channels": ["mail"]}], delivery=QUICK)
    nasty(world)
    report = world.send(NOW)
    assert report.ok, report
    (mail,) = mailbox.received
    assert mail["To"] == "finance@example.com"
    assert "Bcc" not in mail
    assert "\n" not in str(mail["Subject"]).replace("\n ", "")
    parts = {
        part.get_content_type(): part.get_payload(decode=True).decode()
        for part in mail.walk()
        if not part.is_multipart()
    }
    page = parts["text/html"]
    assert "&lt;b&gt;S1&lt;/b&gt; *bold* &lt;!channel&gt;" in page
    assert "<b>" not in page
    assert "\u202e" not in page
    assert CARD not in str(parts)
    assert "<pre>tieout trace aaaaaaaaaaaa</pre>" in page


def test_slack_gets_text_that_calls_nobody(world: World, web: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    from apprise.plugins.slack import NotifySlack

    monkeypatch.setattr(NotifySlack, "webhook_url", f"http://127.0.0.1:{web.port}/services")
    monkeypatch.setenv("SLACK", "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ")
    world.configure(channels={"slack": {"urls": "${SLACK}"}}, routes=[{"channels": ["slack"]}], delivery=QUICK)
    nasty(world)
    report = world.send(NOW)
    assert report.ok, report
    assert web.paths == ["/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"]
    said = json.dumps(web.received)
    assert "<!channel>" not in said
    assert "&lt;!channel&gt;" in said
    assert CARD not in said


def redirected(monkeypatch: pytest.MonkeyPatch, web: Hook) -> None:
    """Let everything that goes out reach the server on loopback."""
    request = requests.Session.request
    monkeypatch.setattr(
        requests.Session,
        "request",
        lambda self, method, url, **said: request(self, method, f"http://127.0.0.1:{web.port}/", **said),
    )


def test_a_title_is_text_where_it_is_shown_like_the_body(
    world: World, web: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    redirected(monkeypatch, web)
    monkeypatch.setenv("TEAMS", "workflow://prod-12.example.com:443/643e69f83c8944/signature-abcdefgh/")
    monkeypatch.setenv("TELEGRAM", "tgram://123456789:abcdefg_hijklmnop/12315544/")
    world.configure(
        channels={"teams": {"urls": "${TEAMS}"}, "telegram": {"urls": "${TELEGRAM}"}},
        routes=[{"channels": ["teams", "telegram"]}],
        delivery=QUICK,
    )
    nasty(world)
    world.send(NOW)
    teams, telegram = web.received
    (title,) = (part["text"] for part in teams["attachments"][0]["content"]["body"] if part.get("id") == "title")
    assert r"\[x\](http://evil)" in title
    assert telegram["text"].startswith("<b>HIGH: 1 new exception, &lt;b&gt;S1&lt;/b&gt;")


def test_what_is_too_long_for_a_service_is_cut(world: World, web: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """PagerDuty refuses what is longer than its summary may be, and nobody would be called."""
    redirected(monkeypatch, web)
    monkeypatch.setenv("DUTY", f"pagerduty://{'a' * 32}@{'b' * 20}")
    monkeypatch.setenv("SPLIT", f"pagerduty://{'a' * 32}@{'b' * 20}?overflow=split")
    world.configure(
        channels={name: {"urls": f"${{{name.upper()}}}"} for name in ("duty", "split")} | {"hook": {"urls": web.url}},
        routes=[{"channels": ["duty", "split", "hook"]}],
        delivery=QUICK,
    )
    laws = [f"Law {number} does not hold: " + "rows " * 60 for number in range(5)]
    failure = {"failure_class": "LAW", "failure_code": "nothing_is_lost", "failure_message": "3 rows"}
    world.run(RUN, State.FAILED, failure=failure, summary={"laws": {"failed": 5}, "failures": laws})
    assert world.send(NOW).ok
    *duty, hook = web.received
    assert len(hook["message"]) > 1_500
    said = [one["payload"]["summary"] for one in duty]
    assert said[0].startswith("The books do not close: 5 laws failed (nothing_is_lost)")
    assert len(said) > 2
    assert all(len(one) <= 1_024 for one in said)


def test_many_messages_at_once_are_not_too_long_for_a_service() -> None:
    one = Message("HIGH: 1 new exception, S1", (("p", "x" * 390), *[("list", ["y" * 390] * 5)]))
    few, many = combined("few", [one] * 5), combined("many", [one] * 99)
    assert few.written("text").count("y" * 390) == 25
    for number in (10, 99):
        text = combined("many", [one] * number).written("text")
        assert len(text) < 13_000
    assert f"And {99 - many.written('text').count('HIGH')} more" in many.written("text")
    assert many.written("text").endswith("tieout alerts list")


def test_a_command_to_copy_does_what_it_says_alone(world: World) -> None:
    record = world.run(RUN)
    message = texts.backlog(record, "acme; rm -rf ~", "orders", 3, "", "", "", None)
    assert "    tieout exceptions list --org 'acme; rm -rf ~' --stream orders" in message.written("text")


def test_nobody_is_called_by_a_name() -> None:
    message = Message("@here", (("p", "@everyone, mail ops@all.example.com"), ("list", ["@Channel"])))
    for form in ("text", "markdown"):
        said = message.heading_in(form) + message.written(form)
        assert "ops@all.example.com" in said
        assert not {"@here", "@everyone", "@Channel"} & set(re.split(r"[\s,]", said))


def test_a_form_of_ones_own(world: World, web: Hook) -> None:
    world.configure(
        channels={form: {"urls": f"{web.url}/{form}", "format": form} for form in ("text", "markdown", "html")},
        routes=[{"channels": ["text", "markdown", "html"]}],
        dagster_url="https://dagster.example.com/",
    )
    reason = "Dagster run 0f8fad5b-d9cb-469f-a165-70867728950e of everything"
    world.open("a" * 32, RUN, counterparty_id=NASTY)
    world.publish()
    record = world.run(RUN, start_reason=reason)
    assert world.send(NOW).ok
    page = "https://dagster.example.com/runs/0f8fad5b-d9cb-469f-a165-70867728950e"
    text, markdown, html = (message["message"] for message in web.received)
    assert f"Run {record.run_id}: {page}" in text
    assert "<b>S1</b> *bold* <!channel>" in text
    assert f"]({page})" in markdown
    assert r"\<b\>S1\</b\> \*bold\* \<!channel\> \[x\](http://evil)" in markdown
    assert f'<a href="{page}">' in html
    assert "&lt;b&gt;S1&lt;/b&gt;" in html


def test_no_secret_stands_anywhere(
    world: World, web: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret, password = "s3cr3t/T0ken9", "p@ss:w0rd/1"
    monkeypatch.setenv("HOOK_TOKEN", secret)
    monkeypatch.setenv("HOOK_PASSWORD", password)
    monkeypatch.setenv("GONE", "jsons://user:hunter2hunter2@127.0.0.1:1/path/0123456789abcdef?token=zyxwvu987")
    urls = [
        f"json://me:${{HOOK_PASSWORD}}@127.0.0.1:{web.port}/x/${{HOOK_TOKEN}}?+Authorization=${{HOOK_TOKEN}}",
        "${GONE}",
    ]
    world.configure(channels={"hook": {"urls": urls}}, routes=[{"channels": ["hook"]}], delivery=QUICK)
    world.run(RUN, State.FAILED)
    web.fails = 2
    report = world.send(NOW)
    assert report.failed == 2
    everything = caplog.text + json.dumps(report.to_json()) + report.line()
    everything += (world.data.root / "alerts/duckdb.jsonl").read_text()
    for word in (secret, "s3cr3t", password, "hunter2hunter2", "0123456789abcdef", "zyxwvu987"):
        assert word not in everything
    assert "503" in everything
    # But the server was asked with them.
    assert web.paths[0] == "/x/s3cr3t%2FT0ken9"


def test_the_secrets_of_an_error_are_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADDRESS", "https://hooks.example.com/services/T000/B000/xyzzyxyzzy?code=abcdefgh")
    said = "HTTPSConnectionPool(host='hooks.example.com'): /services/T000/B000/XYZZYxyzzy?code=abcdefgh\nrefused"
    shown = scrubbed(said, "${ADDRESS}")
    assert "refused" in shown
    for word in ("hooks.example.com", "xyzzy", "abcdefgh", "B000", "\n"):
        assert word not in shown


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("${ANY}", None),
        ("slack://${A}/${B}/${C}", None),
        ("mailtos://me:${P}@smtp.example.com?to=x@example.com", None),
        ("json://localhost:8080/tieout/alerts", None),
        ("pagerduty://${I}@${A}", None),
        ("workflows://prod.example.com:443/${W}/${S}", None),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "token a"),
        ("https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "token c"),
        ("slack://${A}/A1BRTD4JD/${C}", "token b"),
        ("mailtos://me:word@smtp.example.com?to=x@example.com", "password"),
        ("json://me:${P}x@localhost", "password"),
        ("json://localhost/?+Authorization=Bearer%20abc", "header Authorization"),
        ("json://localhost/?-api_key=abc", "parameter api_key"),
        ("json://localhost/hooks/0a1b2c3d4e5f", "path"),
        ("pagerduty://${I}@plain", "apikey"),
        ("nothing", "apprise"),
        ("json://${OPEN", "variable"),
    ],
)
def test_a_secret_in_the_file_is_refused(url: str, fault: str | None) -> None:
    found = faults_of(url)
    assert bool(found) == (fault is not None), found
    assert fault is None or fault in " ".join(found)
    # What is wrong is said without repeating it.
    assert not any(word in " ".join(found) for word in ("TIiajk", "A1BRTD4JD", "word@", "abc", "0a1b2c"))


def test_every_fault_is_told_at_once(world: World) -> None:
    (world.project / "alerts.yml").write_text(
        "channels:\n"
        "  a: {urls: ['mailto://u:hunter2@h?to=x@example.com'], form: text}\n"
        "routes:\n"
        "  - {channels: [b], kinds: [exeptions], streams: [nope], severities: []}\n"
        "  - {orgs: acme}\n"
        "quiet: {from: 22:00, to: late, time_zone: Mars}\n"
        "digest: {cron: 0 99 * * *, channels: a}\n"
        "sla: {remind_every: 5}\n"
        "backlog: {percent: -1}\n"
        "match: some\n"
        "dagster_url: http://u:p@example.com\n"
        "extra: 1\n"
    )
    with pytest.raises(UsageError) as caught:
        world.send(NOW)
    said = str(caught.value)
    for fault in (
        "alerts.yml:2: channels.a.urls[1]: holds its password",
        "alerts.yml:2: channels.a.form: there is no such key",
        "alerts.yml:4: routes[1].channels.b: there is no 'b'; allowed are a",
        "alerts.yml:4: routes[1].kinds.exeptions",
        "alerts.yml:4: routes[1].streams.nope: there is no 'nope'; allowed are orders, payouts",
        "alerts.yml:4: routes[1].severities: is empty",
        "alerts.yml:5: routes[2]: needs `channels`",
        "alerts.yml:6: quiet.to",
        "alerts.yml:6: quiet.time_zone",
        "alerts.yml:7: digest.cron",
        "alerts.yml:8: sla.remind_every",
        "alerts.yml:9: backlog.percent",
        "alerts.yml:10: match",
        "alerts.yml:11: dagster_url",
        "alerts.yml:12: extra",
    ):
        assert fault in said, f"{fault}\n---\n{said}"
    assert "hunter2" not in said


def test_a_name_that_yaml_makes_something_else_of_is_refused(world: World) -> None:
    (world.project / "alerts.yml").write_text(
        "channels: {a: {urls: json://localhost}}\n"
        "routes:\n"
        "  - {counterparties: ['0123', S1], channels: a}\n"
        "  - {counterparties: [0123], channels: a}\n"
        "  - {orgs: [NO], channels: a}\n"
        "sla: {remind_every: 0 minutes}\n"
    )
    said, found = settings.read(world.project)
    assert said is not None
    assert said.routes[0].counterparties == ("0123", "S1")
    assert [(fault.path, fault.message.partition(";")[0]) for fault in found] == [
        (
            f"routes[{number}].{key}",
            "must be a list of names, in quotes where one is a number, a date, yes, no, on or off",
        )
        for number, key in ((2, "counterparties"), (3, "orgs"))
    ] + [("sla.remind_every", "allowed is 1 minute or longer")]


def test_a_test_message(world: World, web: Hook) -> None:
    quiet = {"from": "00:00", "to": "23:59"}
    world.configure(
        channels={"hook": {"urls": web.url}, "gone": {"urls": "json://127.0.0.1:1"}},
        routes=[{"channels": []}],
        quiet=quiet,
        delivery=QUICK,
    )
    assert send_test(world.data, world.project, "duckdb", "hook", NOW).ok
    assert web.titles == ["Test of a channel"]
    assert not send_test(world.data, world.project, "duckdb", "gone", NOW).ok
    # It is not tried again with what is due.
    assert world.send(NOW + timedelta(hours=1)).line() == "Alerts: nothing to send."
    with pytest.raises(UsageError, match=r"no channel 'mail'.*Channels: hook, gone"):
        send_test(world.data, world.project, "duckdb", "mail", NOW)


def test_texts_are_cut_and_stay_on_their_line() -> None:
    message = Message("a\nb" + "c" * 300, (("p", "x" * 1_000), ("list", ["one\ntwo", "three"]), ("code", "`rm`")))
    assert len(message.heading) == 200
    assert "\n" not in message.heading
    assert message.written("text").splitlines()[2:4] == ["- one two", "- three"]
    assert message.written("markdown").endswith("`'rm'`")
    assert message.written("html").count("<li>") == 2


def test_the_example_is_right(world: World) -> None:
    shutil.copy(ROOT / "deploy/alerts.example.yml", world.project / "alerts.yml")
    said = settings.load(world.project)
    assert said is not None
    assert said.routes
    assert said.digests
    assert list(validate_alerts(world.project, "alerts-environment")) == ["finance", "mail", "on_call", "teams", "hook"]


def validate_alerts(project: Path, code: str) -> list[str]:
    """The channels of which `tieout validate` says something."""
    return [fault.message.split()[1] for fault in alerting.check(project) if fault.code == code]


def test_validate_tells_faults_and_what_leads_nowhere(world: World) -> None:
    assert list(alerting.check(world.project)) == []
    world.configure(
        channels={"a": {"urls": "json://localhost"}, "b": {"urls": "json://localhost"}}, routes=[{"channels": "a"}]
    )
    assert [(fault.code, fault.severity, fault.message) for fault in alerting.check(world.project)] == [
        ("alerts-unused", "warning", "no route leads to channel b.")
    ]
    world.configure(channels={"a": {"urls": "json://localhost"}}, routes=[{"channels": "a", "kinds": "x"}])
    (fault,) = alerting.check(world.project)
    assert (fault.code, fault.severity, fault.file, fault.line) == ("alerts", "fault", "alerts.yml", 6)
