"""The `Link` header, written in every way that RFC 8288 allows and read back."""

from hypothesis import given
from hypothesis import strategies as st

from automio._link_header import links_of, next_link, parse_links

TOKEN = st.text("abcXYZ019!#$&+-^_`|~.", min_size=1, max_size=6)
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
SPACE = st.sampled_from(["", " ", "\t", "  "])
TARGET = st.text("abc/?&=;,:%[]'\"(){}#", max_size=15)


@st.composite
def parameters(draw: st.DrawFn) -> tuple[str, str, str]:
    """Returns a parameter's name, its value, and one way to write them."""
    name, before, after = draw(TOKEN), draw(SPACE), draw(SPACE)
    if draw(st.booleans()):
        value = draw(TOKEN)
        return name, value, f"{name}{before}={after}{value}"
    value = draw(TEXT)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return name, value, f'{name}{before}={after}"{escaped}"'


@given(st.data())
def test_every_link_is_read_back_as_it_was_meant(data: st.DataObject) -> None:
    written, meant = [], []
    for _ in range(data.draw(st.integers(0, 4))):
        target, given_parameters = data.draw(TARGET), data.draw(st.lists(parameters(), max_size=3))
        separator = f"{data.draw(SPACE)};{data.draw(SPACE)}"
        written.append(separator.join([f"<{target}>", *(text for _, _, text in given_parameters)]))
        first: dict[str, str] = {}
        for name, value, _ in given_parameters:
            first.setdefault(name.lower(), value)
        meant.append((target, first))
    header = f"{data.draw(SPACE)},{data.draw(SPACE)}".join(written)
    assert [(link.target, link.parameters) for link in parse_links(header)] == meant
    assert [link.target for link in links_of({"LINK": header})] == [target for target, _ in meant]


@given(st.text('<>;=,"\\ relnxt/?', max_size=40))
def test_no_header_breaks_the_reader(text: str) -> None:
    found = next_link({"link": text})
    assert found is None or found.target in text
