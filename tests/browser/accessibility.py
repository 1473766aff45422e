"""What axe-core and the keyboard find on a page that is open, in the theme and at the width that it has."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from playwright.sync_api import Page

_AXE = files("axe_playwright_python").joinpath("axe.min.js")
"""axe-core as the package carries it; its Python part is not used."""
_RUN = """async (only) => {
  const options = { resultTypes: ["violations"], ...(only && { runOnly: only }) }
  const { violations } = await axe.run(document, options)
  return violations.map(({ id, impact, help, nodes }) => ({
    rule: id, impact: impact ?? "minor", text: help, nodes: nodes.length,
    example: nodes[0].target.flat().join(" ") + " " + nodes[0].html.slice(0, 200),
  }))
}"""
# What changes on or around an element when the keyboard comes to it; elements inside of components, too.
_UNSEEN = """async () => {
  const wanted = 'a[href], button:not(:disabled), input:not([type=hidden], :disabled), select:not(:disabled), ' +
    'textarea:not(:disabled), summary, [tabindex="0"]'
  const all = (root) => [...root.querySelectorAll("*")].flatMap((node) => [
    ...(node.matches(wanted) ? [node] : []), ...(node.shadowRoot ? all(node.shadowRoot) : []),
  ])
  const around = (node) => {
    const found = [node, ...[...node.querySelectorAll("*")].slice(0, 12)]
    for (let one = node, up = 0; up < 8 && one; up += 1) {
      one = one.parentElement ?? one.getRootNode().host
      if (one) found.push(one, ...[...one.children].slice(0, 4))
    }
    return found
  }
  const look = (nodes) => nodes.flatMap((node) => [null, "::before", "::after"].map((part) => {
    const style = getComputedStyle(node, part)
    const outline = style.outlineStyle === "none" ? "" : style.outline
    return [outline, style.boxShadow, style.borderColor, style.backgroundColor, style.textDecorationLine].join()
  })).join("|")
  const drawn = () => new Promise((done) => setTimeout(done)) // React shows a focus a moment after it has come
  const unseen = []
  for (const node of all(document)) {
    if (!node.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue
    if (node.closest("[inert], [aria-hidden=true]")) continue
    const nodes = around(node)
    node.getRootNode().activeElement?.blur()
    document.activeElement?.blur?.()
    await drawn()
    const before = look(nodes)
    node.focus({ focusVisible: true, preventScroll: true })
    await drawn()
    if (node.getRootNode().activeElement !== node) continue
    if (look(nodes) === before) unseen.push(node.outerHTML.slice(0, 160))
  }
  document.activeElement?.blur?.()
  return unseen
}"""
Impact = Literal["minor", "moderate", "serious", "critical"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule of axe-core that a page breaks."""

    rule: str
    impact: Impact
    text: str  # what the rule asks for
    nodes: int  # places where it is broken
    example: str  # the first one: its selector and its HTML


def find(page: Page, *, rules: tuple[str, ...] = ()) -> list[Finding]:
    """Return what axe-core finds on the page as it is now; by some of its rules only, if they are named."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_AXE.read_text(encoding="utf-8"))
    only = {"type": "rule", "values": list(rules)} if rules else None
    return [Finding(**found) for found in page.evaluate(_RUN, only)]


def unseen_focus(page: Page) -> list[str]:
    """Return the HTML of what the keyboard reaches without anything that shows it."""
    page.keyboard.press("Tab")  # from here on the browser shows where the focus is
    found: list[str] = page.evaluate(_UNSEEN)
    return found
