"""A person with a browser: goes where they are sent, logs in, agrees, and comes back. Cookies are kept as a browser does."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urljoin

import httpx

FORM = re.compile(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', re.DOTALL)
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@dataclass
class Person:
    http: httpx.AsyncClient
    name: str = "ada"

    async def agrees(self, url: str) -> httpx.Response:
        """The page at which the way ends. What is asked on it is answered: who they are, and yes."""
        answer = await self.follow(url)
        for _ in range(6):
            form = FORM.search(answer.text)
            if form is None:
                return answer
            data = dict(HIDDEN.findall(form[2])) | ({"login": self.name, "password": "-"} if 'name="login"' in form[2] else {})
            answer = await self.http.post(urljoin(str(answer.url), form[1]), data=data)
            answer = await self._onward(answer)
        raise AssertionError("it asks and asks")

    async def follow(self, url: str) -> httpx.Response:
        return await self._onward(await self.http.get(url))

    async def refuses(self, url: str) -> httpx.Response:
        """At the server's own way out."""
        answer = await self.follow(url)
        abort = re.search(r'href="([^"]+/abort)"', answer.text)
        assert abort, answer.text
        return await self.follow(urljoin(str(answer.url), abort[1]))

    async def _onward(self, answer: httpx.Response) -> httpx.Response:
        while answer.is_redirect:
            answer = await self.http.get(urljoin(str(answer.url), answer.headers["location"]))
        return answer


@asynccontextmanager
async def person(name: str = "ada") -> AsyncIterator[Person]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        yield Person(http, name)
