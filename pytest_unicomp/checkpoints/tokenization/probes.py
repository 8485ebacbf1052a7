"""The probe texts: every added token with spaces and line ends around it, words that merges could split, all scripts, rendered chats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

# Each tells apart pipelines that differ in spaces, case, digits, line ends, accents, byte fallback or the tokens put around a text.
TEXTS = (
    "",
    "Hello, world!  Two  spaces.",
    " leading and trailing ",
    "It's 1234567890 + 3.14 = ? They'll say we've won.",
    "tabs\tand\n\nnew lines\r\n",
    "naïve café Straße ﬁne",
    "e\u0301 and é, ① and ½",
    "🙂👩‍👩‍👧 \u200b\u00a0x\ufeff",
    "def f(x):\n    return x_1 <= 2",
    "ALL CAPS and CamelCase, snake_case",
    "\u0000\u001f\ufffd",
    "a" * 60,
    "        eight spaces",
    "\n\n\n\nfour lines",
)
SCRIPTS = (
    *("Вся русская речь", "Ελληνικά γράμματα", "Հայերեն տառեր", "אותיות עבריות", "نص عربي قصير", "فارسی و اردو", "हिन्दी में लिखा", "বাংলা লেখা"),
    *("ਪੰਜਾਬੀ ਲਿਖਤ", "ગુજરાતી લખાણ", "தமிழ் எழுத்து", "తెలుగు రాత", "ಕನ್ನಡ ಬರಹ", "മലയാളം എഴുത്ത്", "සිංහල අකුරු", "ภาษาไทย", "ພາສາລາວ"),
    *("བོད་ཡིག", "မြန်မာစာ", "ქართული ენა", "አማርኛ ፊደል", "ភាសាខ្មែរ", "ᠮᠣᠩᠭᠣᠯ", "日本語のテスト", "カタカナ", "简体中文测试", "繁體中文測試", "한국어 시험", "Tiếng Việt", "ᏣᎳᎩ"),
)  # fmt: skip
AROUND = ("{}", " {} ", "x{}y", "x {} y", "x\n{}\ny", "\n\n{}\t", "{}{}")
CHATS: tuple[tuple[tuple[str, str], ...], ...] = (
    (("user", "Who are you?"),),
    (("system", "Be brief."), ("user", " Two  spaces\n")),
    (("user", "Hi"), ("assistant", "Hello!\n"), ("user", "Bye")),
)
MOST_ADDED, MOST_WORDS = 512, 2000


def texts(added: Sequence[str], vocabulary: Sequence[str]) -> Iterator[str]:
    """Yield the probe texts for a tokenizer with these added tokens and these entries of its vocabulary, decoded; evenly chosen if they are many."""
    yield from TEXTS
    yield from SCRIPTS
    for token in _some(added, MOST_ADDED):
        yield from (pattern.replace("{}", token) for pattern in AROUND)
    for word in _some([entry for entry in vocabulary if len(entry) > 2], MOST_WORDS):
        yield word
        yield f"a {word.strip()}, "


def _some(entries: Sequence[str], most: int) -> Sequence[str]:
    return entries if len(entries) <= most else [entries[place * len(entries) // most] for place in range(most)]


def chats(tokenizer: Any) -> Iterator[str]:
    """Yield each chat of CHATS as the tokenizer's own template renders it, and what the template raises if it takes no such chat."""
    if not tokenizer.chat_template:
        return
    for chat in CHATS:
        messages = [{"role": role, "content": content} for role, content in chat]
        try:
            yield str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
        except Exception as error:  # noqa: BLE001 - a template may raise anything: many refuse a system message in this way
            yield f"(refused: {type(error).__name__}: {error})"
