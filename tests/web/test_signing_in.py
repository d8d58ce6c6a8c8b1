"""Coming in, and going out."""

from playwright.sync_api import Browser, expect

from tests.native.api import Api
from tests.web.desk import sitting

# A browser notes every refusal on its console; being asked who one is, is one.
ASKED = "Failed to load resource: the server responded with a status of 401 (Unauthorized)"


def test_a_key_opens_the_page_that_was_asked_for(chromium: Browser, api: Api) -> None:
    key = api.server.key("operator", api.project, "ada")
    with sitting(chromium, api.server.url, None) as desk:
        page = desk.page
        desk.go("/tasks?state=failed")
        page.get_by_label("API key", exact=True).last.fill(key)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
        assert page.url.endswith("/tasks?state=failed")
        kept = page.evaluate(
            "() => JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])"
        )
        assert key not in kept
        assert "farwork_session" not in kept
        page.reload()
        expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
    assert set(desk.complaints) == {ASKED}


def test_a_wrong_key_is_told_and_what_was_typed_stays(chromium: Browser, api: Api) -> None:
    with sitting(chromium, api.server.url, None) as desk:
        desk.go("/")
        field = desk.page.get_by_label("API key", exact=True).last
        field.fill("fw_wrong_key")
        desk.page.get_by_role("button", name="Sign in").click()
        expect(desk.page.get_by_text("That does not open")).to_be_visible()
        expect(field).to_have_value("fw_wrong_key")
        assert desk.violations() == []


def test_a_user_signs_in_with_a_password(chromium: Browser, api: Api) -> None:
    password = "correct horse battery"
    name = f"ada-{api.project}"
    api.post("/v1/users", {"name": name, "role": "viewer", "password": password})
    with sitting(chromium, api.server.url, None) as desk:
        page = desk.page
        desk.go("/tasks")
        page.get_by_text("Name and password").click()
        page.get_by_role("textbox", name="Name").fill(name)
        page.get_by_label("Password", exact=True).last.fill(password)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
        expect(page.get_by_role("link", name="Access")).to_have_count(0)


def test_signing_out_shuts_the_door_behind_one(chromium: Browser, api: Api) -> None:
    with sitting(chromium, api.server.url, api.server.key("viewer", api.project)) as desk:
        page = desk.page
        desk.go("/tasks")
        page.get_by_role("button", name="Signed in as").click()
        page.get_by_role("menuitem", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in to Farwork")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Sign in to Farwork")).to_be_visible()
