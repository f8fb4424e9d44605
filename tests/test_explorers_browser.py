"""Explorers of the built book in a real browser, without a kernel and without a network. Run `make book` first."""

import re

import pytest
from browsing import HTML, PAGES, faults_by_axe, listen
from browsing import PHONE as PHONE_SIZE

from fa_teach import explorers
from fa_teach.explorers import MODULES
from fa_teach.explorers._bake import fill
from fa_teach.explorers._base import _baked

pytestmark = pytest.mark.browser

BY_SLUG = {explorer.slug: explorer for explorer in (getattr(explorers, name) for name in MODULES)}
FOUND = [
    (name, slug)
    for name in PAGES
    for slug in re.findall(
        r'class="fa-explorer" id="[\w-]+" data-explorer="([\w-]+)"', (HTML / name).read_text(encoding="utf-8")
    )
]
# What an explorer does is the same wherever it stands: it is tried on the page of its chapter.
ONCE = [(name, slug) for name, slug in FOUND if re.fullmatch(r"book/\d\d_\w+\.html", name)]
once = pytest.mark.parametrize(("name", "slug"), ONCE, ids=[slug for _, slug in ONCE])
PHONE = {"viewport": PHONE_SIZE, "has_touch": True, "is_mobile": True}


class Shown:
    """An explorer on an open page, used as a reader does."""

    def __init__(self, page, slug):
        self.page, self.slug = page, slug
        self.root = page.locator(f"#{slug} .fax").first
        # An explorer starts when it comes near the window.
        page.locator(f"#{slug}").evaluate("explorer => explorer.scrollIntoView({block: 'center'})")
        self.root.locator(".fax-words").wait_for()
        page.wait_for_function(
            "slug => document.querySelector(`#${slug} .fax-words`).textContent.length > 10", arg=slug
        )
        self.explorer = BY_SLUG[slug]

    def words(self):
        return self.root.locator(".fax-words").text_content()

    def picture(self):
        return self.root.locator(".fax-stage").inner_html()

    def state(self):
        return self.words(), self.picture()

    def control(self, name):
        control = self.explorer.controls()[name]
        if control.kind == "range":
            return self.root.get_by_role("slider", name=control.label, exact=True)
        if control.kind == "choice":
            return self.root.get_by_role("group", name=control.label, exact=True).get_by_role("radio")
        if control.kind == "toggle":
            return self.root.get_by_role("checkbox", name=control.label, exact=True)
        if control.kind == "player":
            return self.root.get_by_role("group", name=control.label, exact=True).get_by_role(
                "slider", name=control.label
            )
        return self.root.locator(".fax-handle")

    def reset(self):
        self.root.get_by_role("button", name="reset").click()


def middle(locator):
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, locator, dx, dy, *, finger=False):
    x, y = middle(locator)
    if finger:  # Playwright itself only taps
        session = page.context.new_cdp_session(page)
        places = [{"x": x + dx * k / 5, "y": y + dy * k / 5} for k in range(6)]
        for kind, points in [
            ("touchStart", places[:1]),
            *(("touchMove", [place]) for place in places[1:]),
            ("touchEnd", []),
        ]:
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    else:
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + dx, y + dy, steps=5)
        page.mouse.up()


def press(page, element, how):
    """Whatever stands for a click."""
    if how == "keys":
        element.focus()
        page.keyboard.press("Space")
    elif how == "touch":
        element.tap()
    else:
        element.click()


def move_point(page, element, how):
    for dx, dy in ((60, 40), (-50, 90), (30, -120)):
        if how == "keys":
            element.focus()
            for _ in range(abs(dx) // 10):
                page.keyboard.press("ArrowRight" if dx > 0 else "ArrowLeft")
            for _ in range(abs(dy) // 10):
                page.keyboard.press("ArrowDown" if dy > 0 else "ArrowUp")
        else:
            drag(page, element.locator(".fax-ring"), dx, dy, finger=how == "touch")
        yield


def pick(page, element, how):
    for i in range(element.count()):
        if how == "keys":
            element.first.focus()
            for _ in range(i + 1):
                page.keyboard.press("ArrowRight")
        else:
            press(page, element.nth(i), how)
        yield


def slide(page, element, how):
    for share, key in ((0.08, "Home"), (0.5, "ArrowRight"), (0.92, "End"), (0.25, "ArrowLeft")):
        element.scroll_into_view_if_needed()
        box = element.bounding_box()
        place = box["x"] + share * box["width"], box["y"] + box["height"] / 2
        if how == "keys":
            element.focus()
            page.keyboard.press(key)
        elif how == "touch":
            page.touchscreen.tap(*place)
        else:
            page.mouse.click(*place)
        yield


def work(shown, name, how):
    """Move a control through what it can do; give all states seen on the way."""
    page, element = shown.page, shown.control(name)
    kind = shown.explorer.controls()[name].kind
    seen = [shown.state()]
    if kind == "toggle":
        press(page, element, how)
        seen.append(shown.state())
    else:
        for _ in {"point": move_point, "choice": pick}.get(kind, slide)(page, element, how):
            page.wait_for_timeout(20)
            seen.append(shown.state())
    return seen


def test_every_explorer_is_in_the_book():
    """One that no page shows is tested by nobody."""
    assert PAGES, "the book is not built: run `make book`"
    assert {slug for _, slug in FOUND} == set(BY_SLUG)


def test_only_pages_with_an_explorer_load_the_script():
    """One cached file, and nothing on the pages that do without."""
    with_explorer = {name for name, _ in FOUND}
    for name in PAGES:
        source = (HTML / name).read_text(encoding="utf-8")
        assert len(re.findall(r'<script[^>]*data-explorers="[^"]*explorers\.js', source)) == (
            name in with_explorer
        ), name
        assert "jupyter.widget" not in source, f"{name} holds widget states: the data is there twice"


@once
@pytest.mark.parametrize("how", ["mouse", "keys", "touch"])
def test_every_control_changes_picture_and_words(visit, name, slug, how):
    """The purpose of a control; whoever has no mouse is a reader, too."""
    page = visit(name, **(PHONE if how == "touch" else {}))
    shown = Shown(page, slug)
    for control in shown.explorer.controls():
        shown.reset()
        seen = work(shown, control, how)
        assert len({picture for _, picture in seen}) > 1, f"{control}: the picture never changed"
        assert len({words for words, _ in seen}) > 1, f"{control}: the sentence never changed"


@once
def test_presets_links_and_address(visit, site, name, slug):
    """A sentence sets the picture, a teacher links to it, and both get the same."""
    page, other = visit(name), visit("404.html")
    shown = Shown(page, slug)

    def fresh(address):
        """Open an address as somebody who was never here; in one window, as new ones take twice as long."""
        other.evaluate("[sessionStorage, localStorage].forEach(memory => memory.clear())")
        other.goto("about:blank")  # another # alone would not load the page anew
        other.goto(site + address, wait_until="load")
        other.wait_for_function(
            "slug => { const box = document.getElementById(slug).getBoundingClientRect();"
            " return box.bottom > 0 && box.top < innerHeight; }",
            arg=slug,
        )
        other.wait_for_timeout(150)  # as in every visit: for complaints of scripts that start late
        return Shown(other, slug)

    said = {}
    for preset, (label, _) in shown.explorer.presets.items():
        button = shown.root.get_by_role("button", name=label, exact=True)
        button.click()
        assert button.get_attribute("aria-pressed") == "true", preset
        said[preset] = shown.state()
        page.wait_for_function("part => location.hash.endsWith(part)", arg=f"{slug}:preset={preset}")
    assert len({words for words, _ in said.values()}) == len(said), "every preset is about something else"
    for preset, state in said.items():
        assert fresh(f"{name}#{slug}:preset={preset}").words() == state[0]
    for link in page.locator(f'main a[href*="#{slug}:"]').all():
        shown.reset()
        target = link.get_attribute("href")
        link.click()
        preset = re.search(r"preset=([\w-]+)$", target)
        if preset:
            assert shown.words() == said[preset.group(1)][0]
        else:  # of presets it is known already what a fresh page says
            assert shown.words() == fresh(name + "#" + target.partition("#")[2]).words(), target


@once
def test_the_address_restores_what_was_set(visit, name, slug):
    """Moved by hand, not by a preset."""
    page = visit(name)
    shown = Shown(page, slug)
    before = page.evaluate("location.hash")
    for control in shown.explorer.controls():
        work(shown, control, "keys")
    page.wait_for_function("before => location.hash !== before", arg=before)
    page.wait_for_timeout(400)
    words = shown.words()
    again = Shown(visit(name + page.evaluate("location.hash")), slug)
    assert again.words() == words
    assert page.locator(f"#{slug} .fax-live").text_content() == words, "read out, once it has come to rest"


@once
def test_words_are_pythons(visit, name, slug):
    """The page looks up and fills in what Python wrote: the same sentence, to the last digit."""
    explorer = BY_SLUG[slug]
    baked = _baked(explorer)
    page = visit(name)
    for label, values in explorer.presets.values():
        snapped, arrays = baked.lookup(**values)
        shown = Shown(page, slug)
        shown.root.get_by_role("button", name=label, exact=True).click()
        assert shown.words() == fill(explorer.sentence(arrays, snapped), arrays, snapped)


@once
def test_it_reacts_at_once(visit, name, slug):
    """From the control's event to the new picture, laid out: under 50 ms."""
    page = visit(name)
    shown = Shown(page, slug)
    times = page.evaluate(
        """slug => [...document.querySelectorAll(`#${slug} .fax input[type=range]`)].flatMap(input =>
            [input.min, input.max, input.min].map(value => {
                const begin = performance.now();
                input.value = value;
                input.dispatchEvent(new Event('input'));
                document.querySelector(`#${slug} .fax-stage`).getBoundingClientRect();
                return performance.now() - begin;
            }))""",
        shown.slug,
    )
    print(f"{slug}: {sorted(round(time, 1) for time in times)} ms")
    assert sorted(times)[len(times) // 2] < 50


@once
def test_playing(visit, name, slug):
    """It runs to its end by itself; with reduced motion it goes by steps."""
    if not any(control.kind == "player" for control in BY_SLUG[slug].controls().values()):
        pytest.skip("nothing to play")
    for motion in ("no-preference", "reduce"):
        page = visit(name, reduced_motion=motion)
        shown = Shown(page, slug)
        shown.root.get_by_role("combobox", name="speed").select_option("4")
        shown.root.get_by_role("button", name="play").click()
        page.wait_for_timeout(300)
        first = shown.state()
        if motion == "reduce":
            assert shown.root.get_by_role("button", name="pause").count() == 0
            shown.root.get_by_role("button", name="one step forward").click()
            assert shown.state() != first
        else:
            shown.root.get_by_role("button", name="play").wait_for(timeout=15_000)  # it has stopped
            assert shown.state() != first


@once
def test_over_file(browser, name, slug):
    """A copy on a stick must do what the site does."""
    complaints = []
    page = browser.new_page()
    listen(page, complaints, allowed="file:")
    page.goto((HTML / name).as_uri())
    shown = Shown(page, slug)
    before = shown.state()
    label = list(shown.explorer.presets.values())[-1][0]
    shown.root.get_by_role("button", name=label, exact=True).click()
    assert shown.state() != before
    assert not complaints
    page.close()


@once
def test_hidden_by_a_teacher(visit, name, slug):
    """What is hidden must not be reached by the keyboard either."""
    page = visit(f"{name}#{slug}:hide=all")
    shown = Shown(page, slug)
    assert shown.root.locator("button:visible, input:visible, select:visible").count() == 0
    first = next(iter(shown.explorer.controls()))
    page = visit(f"{name}#{slug}:hide={first},presets")
    shown = Shown(page, slug)
    assert not shown.control(first).first.is_visible()
    assert not shown.root.locator(".fax-presets").is_visible()
    assert shown.root.get_by_role("button", name="reset").is_visible()


@once
def test_dark_print_and_without_script(visit, browser, site, name, slug):
    """Where it cannot live there stands a picture with words; in the dark it is dark."""
    page = visit(name, color_scheme="dark")
    shown = Shown(page, slug)
    assert shown.root.get_attribute("data-scheme") == "dark"
    still = page.locator(f"#{slug} .fa-still")
    assert not still.is_visible()
    page.emulate_media(color_scheme="light")
    page.wait_for_function(
        "slug => document.querySelector(`#${slug} .fax`).dataset.scheme === 'light'", arg=slug
    )
    page.emulate_media(media="print")
    assert still.is_visible()
    assert not shown.root.is_visible()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site + name)
    still = page.locator(f"#{slug} .fa-still")
    assert still.is_visible()
    assert len(still.get_attribute("alt")) > 40
    context.close()


@once
def test_focus_is_seen(visit, name, slug):
    """Tab goes through all controls, and each shows that it is there."""
    page = visit(name)
    shown = Shown(page, slug)
    shown.root.locator("button").first.focus()
    unseen = []
    stops = 0
    while page.evaluate("slug => !!document.activeElement.closest(`#${slug} .fax`)", slug):
        stops += 1
        seen = page.evaluate(
            """() => {
                const e = document.activeElement;
                const ring = e.querySelector('.fax-focus');
                return ring ? getComputedStyle(ring).stroke !== 'none'
                    : getComputedStyle(e).outlineStyle !== 'none' && parseFloat(getComputedStyle(e).outlineWidth) >= 2;
            }"""
        )
        if not seen:
            unseen.append(page.evaluate("document.activeElement.outerHTML.slice(0, 100)"))
        page.keyboard.press("Tab")
        assert stops < 60, "Tab never leaves"
    assert stops >= len(shown.explorer.presets) + len(shown.explorer.controls())
    assert not unseen


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_axe(visit, size):
    """No violation in explorers that are alive, in light and dark; whole pages are looked at with the site."""
    options = PHONE if size == "phone" else {}
    page = visit("book/explorers.html", color_scheme="light", reduced_motion="reduce", **options)
    for slug in BY_SLUG:
        Shown(page, slug)
    found = list(faults_by_axe(page, within="main"))
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    found += [f"in the dark: {fault}" for fault in faults_by_axe(page, within="main")]
    assert not found, "\n".join(found)


# -- The phase portrait ------------------------------------------------------------------------

CHAPTER = "book/04_smallest_network.html"


def written(shown):
    return shown.root.locator(".fax-picture text").all_text_contents()


def test_backpropagation_alone_has_a_plane_of_its_own(visit):
    """Its flow, its verdicts, its charts: nothing of FA is left in the picture."""
    page = visit(f"{CHAPTER}#phase-portrait:start=-0.5,-2&rules=bp")
    shown = Shown(page, "phase-portrait")
    assert shown.root.locator(".fax-unstable").count() == 0
    assert "stays at (−0.50, −2.00). Stable" in shown.words()
    assert {"flow and stability: backprop", "alignment, backprop", "eigenvalue, backprop: −4.25"} <= {
        *written(shown)
    }
    assert not [text for text in written(shown) if "FA" in text]
    shown.root.get_by_role("radio", name="both").click()
    assert shown.root.locator(".fax-unstable").count() == 1
    assert {"flow and stability: FA", "alignment, FA", "eigenvalue, FA: +1.75"} <= {*written(shown)}


def test_the_loss_is_tinted_only_while_it_rises(visit):
    """Without feedback nothing moves: no alignment, no rise, and an eigenvalue of 0 that is neither good nor bad."""
    shown = Shown(visit(f"{CHAPTER}#phase-portrait:preset=uphill"), "phase-portrait")
    rising, needle = (shown.root.locator(name) for name in (".fax-rising", ".fax-eigenvalue"))
    assert rising.count() == 1
    assert "stable" in needle.get_attribute("style")
    shown.root.get_by_role("button", name="no feedback").click()
    assert rising.count() == 0
    assert "neutral" in needle.get_attribute("style")
    assert shown.root.locator(".fax-undefined").get_attribute("opacity") == "1"


def test_a_start_walks_straight_down(visit):
    """As the exercise on chapter 4 asks: along w₁ = -2, step by step, until the end jumps."""
    shown = Shown(visit(f"{CHAPTER}#phase-portrait:b=0.5&start=-2,2.6&rules=fa"), "phase-portrait")
    ring = shown.control("start")
    ring.focus()
    heights, ends = [], []
    for _ in range(8):
        start, end = re.findall(r"\((\S+), (\S+)\)", shown.words().replace("−", "-"))
        assert start[0] == "-2.00"
        heights.append(float(start[1]))
        ends.append(float(end[0]))
        shown.page.keyboard.press("ArrowDown")
    assert heights == [2.6, 2.5, 2.4, 2.3, 2.2, 2.1, 2.0, 1.9]
    assert [end > 0 for end in ends] == [True] * 5 + [False] * 3, "it jumps at 2.11"


def test_a_number_and_its_unit_stay_on_one_line(visit):
    """An angle of three digits, beside its slider."""
    shown = Shown(visit("book/05_linear_networks.html", viewport={"width": 1280, "height": 900}), "spectrum")
    value = shown.root.locator(".fax-value").first
    for key in ("Home", "End"):
        shown.control("angle").press(key)
        lines = value.evaluate(
            "e => e.getBoundingClientRect().height / parseFloat(getComputedStyle(e).lineHeight)"
        )
        assert lines < 1.5, value.text_content()
    assert value.text_content() == "180°"
    right = shown.root.bounding_box()["x"] + shown.root.bounding_box()["width"]
    for tick in shown.root.locator(".fax-axis .tick text").all():
        box = tick.bounding_box()
        assert box["x"] + box["width"] <= right, tick.text_content()


@pytest.mark.parametrize(("name", "slug"), sorted({*FOUND} - {*ONCE}))
def test_it_lives_on_other_pages_too(visit, name, slug):
    """Among the explorers and in assignments, where text and neighbours are others."""
    shown = Shown(visit(name), slug)
    before = shown.state()
    label = list(shown.explorer.presets.values())[-1][0]
    shown.root.get_by_role("button", name=label, exact=True).click()
    assert shown.state() != before
