"""The dialects of `:86:`, the text of an MT940 entry: references, the other party and the remittance text."""

import re

from orchestration.landing.readers._statement import nothing

CUT = {"subfield": 27, "line": 65}  # where banks cut words; a shorter piece ends with a word

GERMAN = re.compile(r"([0-9]{3})([?@~|#*^+!<>&$%;])(00|10|2[0-9]|3[0-4])")
GERMAN_WORDS = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|COAM|OAMT|RREF|RTRN)\+")
CODES = (
    "EREF|KREF|REMI|NAME|IBAN|BIC|ORDP|BENM|CNTP|MARF|CSID|TRTP|ISDT|PREF|RTRN|ACCW|ULTB|ULTD|PURP|ID|ADDR|RREF|SVCL"
    "|OCMT"
)
DUTCH = re.compile(rf"/({CODES})/")


def read_text(lines: list[str]) -> dict[str, str | None]:
    """`entry_text`, `end_to_end_id`, `counterparty_name` and `counterparty_account` of the lines of a `:86:`."""
    solid = "".join(lines)
    german = GERMAN.match(solid)
    if german:
        return _german(solid, german[2])
    if DUTCH.search(solid[:200]):
        return _dutch(solid)
    text = _joined(lines, CUT["line"])
    return {"entry_text": text or None, "end_to_end_id": None, "counterparty_name": None, "counterparty_account": None}


def _joined(pieces: list[str], width: int) -> str:
    """Pieces of a text: one of full width was cut in the middle of a word, a shorter one at its end."""
    text = ""
    for piece in pieces:
        text += piece if len(piece) >= width else f"{piece.rstrip()} "
    return " ".join(text.split())


def _german(solid: str, mark: str) -> dict[str, str | None]:
    fields: dict[str, str] = {}
    for part in re.split(rf"{re.escape(mark)}(?=[0-9]{{2}})", solid)[1:]:
        fields[part[:2]] = fields.get(part[:2], "") + part[2:]
    purpose = [fields[key] for key in sorted(fields) if "20" <= key <= "29"]
    purpose += [fields[key] for key in sorted(fields) if "60" <= key <= "63"]
    text = _joined(purpose, CUT["subfield"])
    words = GERMAN_WORDS.split(text)
    told = dict(zip(words[1::2], words[2::2], strict=True))
    remittance = told.get("SVWZ", text)
    name = (fields.get("32", "") + fields.get("33", "")).strip()
    return {
        "entry_text": " ".join(filter(None, (fields.get("00", "").strip(), remittance.strip()))) or None,
        "end_to_end_id": nothing(told.get("EREF")),
        "counterparty_name": name or None,
        "counterparty_account": fields.get("31", "").strip() or None,
    }


def _dutch(solid: str) -> dict[str, str | None]:
    pieces = DUTCH.split(f"/{solid}" if re.match(rf"({CODES})/", solid) else solid)
    told: dict[str, str] = {}
    for name, value in zip(pieces[1::2], pieces[2::2], strict=True):
        told.setdefault(name, value.strip("/ "))
    party = told.get("CNTP", "").split("/")
    remittance = re.sub(r"^(USTD|STRD)//?", "", told.get("REMI", "")).strip("/ ")
    return {
        "entry_text": " ".join((remittance or solid).split()) or None,
        "end_to_end_id": nothing(told.get("EREF")),
        "counterparty_name": told.get("NAME") or (party[2] if len(party) > 2 else "") or None,
        "counterparty_account": told.get("IBAN") or party[0] or None,
    }
