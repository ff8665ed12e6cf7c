"""Signing in and out over HTTP."""

from tests.api.conftest import Office


async def test_a_browser_signs_in_and_out(office: Office) -> None:
    await office.hire("ann", "administrator")
    client = office.client()
    answer = await office.sign_in("ann", client=client)
    assert answer.status_code == 201, answer.text
    assert "token" not in answer.json()
    cookie = next(
        one for one in answer.headers.get_list("set-cookie") if one.startswith("switchboard_session=")
    )
    assert {"HttpOnly", "SameSite=lax", "Secure"} <= {part.strip() for part in cookie.split(";")}
    me = (await client.get("/api/v1/sessions/current")).json()["me"]
    assert me["agent"]["email"] == "ann@example.com"
    assert "people.manage" in me["permissions"]
    gone = await client.delete("/api/v1/sessions/current", headers={"X-CSRF-Token": answer.json()["csrf"]})
    assert gone.status_code == 204
    client.cookies.set("switchboard_session", cookie.split("=", 1)[1].split(";")[0], domain="desk.example")
    assert (await client.get("/api/v1/sessions/current")).status_code == 401
