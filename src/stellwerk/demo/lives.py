"""How a ticket goes: from the first message over questions, waiting and handing over to its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from stellwerk.demo.federation import Federation
from stellwerk.demo.files import log_tail, screenshot
from stellwerk.demo.organisation import Action, Attachment, Event, Person, priority
from stellwerk.demo.rhythm import later
from stellwerk.demo.texts import Story, Writer

# Median minutes of staffed time until somebody looks at it, and until it is solved, by priority.
RESPONSE = {1: 6, 2: 18, 3: 50, 4: 120, 5: 200}
SOLUTION = {1: 130, 2: 330, 3: 700, 4: 1150, 5: 1800}
AUTO_CLOSE = timedelta(days=7)

# What the first line solves by itself; elsewhere about a third.
EASY = {
    "Password",
    "Second factor",
    "Remote access",
    "How do I ...",
    "Group membership",
    "Leaving",
    "Feedback",
}


class Desk:
    """Knows who works in which team on which day."""

    def __init__(self, federation: Federation) -> None:
        self.teams = {team.key: team for team in federation.teams}
        self.members = {team.key: {one.person for one in team.members} for team in federation.teams}
        self.names = {person.key: person.first for person in federation.people}
        self.team_of_service = {service.key: service.team for service in federation.services}

    def agent(self, team: str, moment: datetime, rng: Random) -> str:
        """Pick somebody of the team; the lead takes fewer tickets than the others."""
        members = self.teams[team].on(moment.date())
        shares = [1 if member == self.teams[team].lead else 4 for member in members]
        return rng.choices(members, shares)[0]


@dataclass
class Case:
    """A ticket while it is being made up; all moments are local."""

    story: Story
    writer: Writer
    requester: Person
    reporter: str
    channel: str
    opened: datetime
    title: str
    description: str
    impact: int
    urgency: int
    classified: bool
    watchers: tuple[str, ...] = ()
    events: list[Event] = field(default_factory=list)

    @property
    def from_machine(self) -> bool:
        """Say whether no human being asked."""
        return self.channel == "monitoring"


class Life:
    """Leads one case from its creation to its end, event by event."""

    def __init__(self, case: Case, desk: Desk, rng: Random) -> None:
        self.case, self.desk, self.rng, self.writer = case, desk, rng, case.writer
        self.at = case.opened
        self.priority = priority(case.impact, case.urgency)
        self.service_team = desk.team_of_service[case.story.service]
        self.team = self.agent = ""

    def run(self) -> list[Event]:
        """Return all events, from creation to the end."""
        self._begin()
        self._triage()
        if self.rng.random() < 0.022 and not self.case.from_machine:
            self._cancel()
        else:
            self._work()
            self._resolve(self.writer.fix(), self._code())
            self._end()
        return self.case.events

    # ------------------------------------------------------------ the stations

    def _begin(self) -> None:
        self._note_down(Action.CREATED, self.case.reporter)
        if self._mentions_file(self.case.description):
            self._attach(self.case.requester.key)

    def _triage(self) -> None:
        self._pass_time(self._around(RESPONSE[self.priority]))
        if self.case.from_machine:
            self._note_down(Action.ASSIGNED, "", team=self.service_team)
            self._take(self.service_team)
            return
        first = self.case.reporter if self.case.channel == "phone" else self._somebody("desk")
        if not self.case.classified:
            self._classify(first)
        if self._first_line_can():
            self._take("desk", first)
            return
        self._note_down(Action.ASSIGNED, first, team=self.service_team, text=self._remark(0.25))
        self._pass_time(self._around(RESPONSE[self.priority]))
        self._take(self.service_team)

    def _work(self) -> None:
        steps = [step for chance, step in self._possible_steps() if self.rng.random() < chance]
        share = self._around(SOLUTION[self.priority]) / (len(steps) + 1)
        for step in steps:
            self._pass_time(share * self.rng.uniform(0.3, 1.4))
            step()
        self._pass_time(share)

    def _possible_steps(self) -> list[tuple[float, Any]]:
        story, human = self.case.story, not self.case.from_machine
        asking = 0.0 if not (human and self.writer.has_question()) else 0.7 if story.waits == "user" else 0.36
        outside = 0.35 if story.waits in {"supplier", "change"} else 0.02
        return [
            (0.24 if human else 0.0, self._acknowledge),
            (asking, self._ask),
            (0.05 if story.kind == "incident" else 0.0, self._raise),
            (0.3, self._remember),
            (0.1, self._hand_over),
            (outside, self._wait_outside),
            (0.08 if human else 0.0, self._tell_progress),
        ]

    def _end(self) -> None:
        chance = self.rng.random()
        if self.case.from_machine or chance > 0.52:
            self.at += AUTO_CLOSE
            self._note_down(Action.CLOSED, "")
        elif chance < 0.045:
            self._reopen()
            self._confirm()
        else:
            self._confirm()

    # ------------------------------------------------------------ what happens there

    def _classify(self, by: str) -> None:
        case = self.case
        judged: dict[str, Any] = {"impact": case.impact, "urgency": case.urgency}
        self._note_down(Action.CLASSIFIED, by, category=case.story.category, **judged)
        self.at += timedelta(seconds=self.rng.randint(20, 240))

    def _take(self, team: str, agent: str = "") -> None:
        self.team, self.agent = team, agent or self._somebody(team)
        self._note_down(Action.TAKEN, self.agent, team=team, person=self.agent)

    def _acknowledge(self) -> None:
        self._note_down(
            Action.REPLIED, self.agent, text=self.writer.say(f"{self.case.story.kind}_acknowledgements")
        )

    def _ask(self) -> None:
        self._note_down(Action.REPLIED, self.agent, text=self.writer.question())
        self.at += timedelta(seconds=5)
        self._note_down(Action.WAITED, self.agent, reason="user")
        self._requester_thinks(9)
        text = self.writer.answer(self._agent_name())
        self._note_down(Action.REPLIED, self.case.requester.key, text=text)
        if self._mentions_file(text):
            self._attach(self.case.requester.key)
        self.at += timedelta(seconds=1)
        self._note_down(Action.RESUMED, "")

    def _raise(self) -> None:
        if self.priority > 1:
            self.priority -= 1
            text = self.writer.say("raised")
            self._note_down(Action.RAISED, self.agent, priority=self.priority, text=text)

    def _remember(self) -> None:
        self._note_down(Action.NOTED, self.agent, text=self.writer.note())

    def _hand_over(self) -> None:
        """Give it to the team behind the service; that team lets another one look, which gives it back."""
        if self.team != self.service_team:
            self._pass_on(self.service_team, "handovers")
        elif self.team != "desk" and not self.case.from_machine:
            self._pass_on(self.rng.choice(sorted({*self.desk.teams} - {self.team, "desk"})), "handovers")
            self._pass_time(self._around(60))
            self._pass_on(self.service_team, "back")

    def _pass_on(self, team: str, words: str) -> None:
        text = self.writer.say(words, team=self.desk.teams[team].name)
        self._note_down(Action.HANDED_OVER, self.agent, team=team, text=text)
        self._pass_time(self._around(RESPONSE[self.priority]))
        self._take(team)

    def _wait_outside(self) -> None:
        reason = self.case.story.waits if self.case.story.waits in {"supplier", "change"} else "supplier"
        self._note_down(Action.WAITED, self.agent, reason=reason, text=self.writer.say(f"waiting_{reason}"))
        self._pass_time(self._around(900 if self.priority > 2 else 240))
        if self.rng.random() < 0.2 and not self.case.from_machine:
            self._note_down(Action.REPLIED, self.case.requester.key, text=self.writer.reaction("nudges"))
            self._pass_time(self._around(60))
        self._note_down(Action.RESUMED, self.agent, text=self.writer.say(f"back_from_{reason}"))

    def _tell_progress(self) -> None:
        self._note_down(Action.REPLIED, self.agent, text=self.writer.say("progress"))

    def _resolve(self, text: str, code: str) -> None:
        self._note_down(Action.RESOLVED, self.agent, text=text, code=code)

    def _confirm(self) -> None:
        self._requester_thinks(14)
        text = (
            self.writer.reaction(f"{self.case.story.kind}_thanks", self._agent_name())
            if self.rng.random() < 0.7
            else ""
        )
        self._note_down(Action.CONFIRMED, self.case.requester.key, text=text)

    def _reopen(self) -> None:
        self._requester_thinks(20)
        self._note_down(Action.REOPENED, self.case.requester.key, text=self.writer.reaction("relapses"))
        self._pass_time(self._around(RESPONSE[self.priority]))
        self._note_down(Action.NOTED, self.agent, text=self.writer.say("relapse_notes"))
        self._pass_time(self._around(SOLUTION[self.priority] / 2))
        self._resolve(self.writer.say("second_fixes"), "fixed")

    def _cancel(self) -> None:
        by_requester = self.rng.random() < 0.7
        self._pass_time(self._around(200))
        words = self.writer.say("withdrawals" if by_requester else "desk_cancellations")
        by = self.case.requester.key if by_requester else self.agent
        self._note_down(Action.CANCELLED, by, text=words)

    def _attach(self, by: str) -> None:
        picture = "log" not in self.case.description
        made = screenshot(self.rng) if picture else log_tail(self.rng, self.writer.fill("{node}"))
        self.at += timedelta(seconds=2)
        self._note_down(Action.ATTACHED, by, attachment=made)

    # ------------------------------------------------------------ small helps

    def _note_down(
        self, action: Action, by: str, *, attachment: Attachment | None = None, **values: Any
    ) -> None:
        self.case.events.append(Event(self.at, by, action, attachment=attachment, **values))

    def _pass_time(self, minutes: float) -> None:
        """Let time go by: around the clock for the highest priority, staffed hours for the rest."""
        self.at = self.at + timedelta(minutes=minutes) if self.priority == 1 else later(self.at, minutes)

    def _requester_thinks(self, hours: float) -> None:
        self.at += timedelta(hours=self._around(hours))
        if self.at.hour < 7:
            self.at = self.at.replace(hour=7 + self.at.hour % 3)

    def _around(self, median: float) -> float:
        return median * min(self.rng.lognormvariate(0, 0.75), 6)

    def _somebody(self, team: str) -> str:
        return self.desk.agent(team, self.at, self.rng)

    def _agent_name(self) -> str:
        return self.desk.names[self.agent]

    def _remark(self, chance: float) -> str:
        team = self.desk.teams[self.service_team].name
        return self.writer.say("triage", team=team) if self.rng.random() < chance else ""

    def _first_line_can(self) -> bool:
        easy = self.case.story.category.split(" / ")[-1] in EASY
        return self.service_team == "desk" or self.rng.random() < (0.85 if easy else 0.32)

    def _mentions_file(self, text: str) -> bool:
        words = ("attach", "screenshot", "Here it is")
        return any(word in text for word in words) and self.rng.random() < 0.9

    def _code(self) -> str:
        story = self.case.story
        return "workaround" if story.code == "fixed" and self.rng.random() < 0.06 else story.code


def stall(events: list[Event], now: datetime, writer: Writer, rng: Random) -> list[Event]:
    """Cut a life somewhere before its solution, as if people had not come further by now."""
    solved = next(
        (number for number, one in enumerate(events) if one.action in {Action.RESOLVED, Action.CANCELLED}),
        len(events),
    )
    halts = [number for number in range(1, solved) if events[number].action is Action.WAITED]
    cut = rng.choice(halts) + 1 if halts and rng.random() < 0.75 else rng.randint(2, max(solved, 2))
    kept = events[:cut]
    age = now - kept[-1].at
    if age > timedelta(days=10):
        kept += _sign_of_life(kept, now, writer, rng)
    return kept


def _sign_of_life(kept: list[Event], now: datetime, writer: Writer, rng: Random) -> list[Event]:
    """Return what somebody wrote lately about a case that does not move."""
    moment = later(now - timedelta(days=rng.uniform(1, 9)), rng.uniform(5, 500))
    agents = [one.person for one in kept if one.person]
    if not agents or moment >= now:
        return []
    name = "still_waiting" if kept[-1].action is Action.WAITED else "forgotten"
    return [Event(moment, agents[-1], Action.NOTED, text=writer.say(name))]
