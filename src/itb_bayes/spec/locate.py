"""The line on which each key of a TOML document stands (``tomllib`` does not tell)."""

from bisect import bisect_right

from itb_bayes.spec.problems import KeyPath

_BLANK = " \t\n"
_BARE_END = ",]}\n#"


def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line, counted from 1, of every table, key and list item.

    Parameters
    ----------
    text : str
        A document that ``tomllib`` has accepted, with Unix line ends.

    Returns
    -------
    dict
        Key path (list items by their position from 0) to line. Where a key occurs as part of
        several headers, the first line counts.
    """
    scanner = _Scanner(text)
    scanner.scan()
    return scanner.lines


class _Scanner:
    """A walk over the text that skips values and notes where keys begin."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pos = 0
        self.lines: dict[KeyPath, int] = {}
        self.arrays: dict[KeyPath, int] = {}
        self.starts = [0] + [i + 1 for i, char in enumerate(text) if char == "\n"]

    def scan(self) -> None:
        table: KeyPath = ()
        self._skip_blank()
        while self.pos < len(self.text):
            if self.text[self.pos] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip_blank()

    def _line(self) -> int:
        return bisect_right(self.starts, self.pos)

    def _note(self, path: KeyPath, line: int) -> None:
        for size in range(1, len(path) + 1):
            self.lines.setdefault(path[:size], line)

    def _header(self) -> KeyPath:
        line = self._line()
        is_array = self.text.startswith("[[", self.pos)
        self.pos += 2 if is_array else 1
        path: KeyPath = ()
        parts = self._key()
        for depth, part in enumerate(parts, start=1):
            path = (*path, part)
            if path in self.arrays and not (is_array and depth == len(parts)):
                path = (*path, self.arrays[path])
        self.pos += 2 if is_array else 1
        if is_array:
            self.arrays[path] = self.arrays.get(path, -1) + 1
            path = (*path, self.arrays[path])
        self.lines.pop(path, None)
        self._note(path, line)
        return path

    def _pair(self, table: KeyPath) -> None:
        line = self._line()
        path = (*table, *self._key())
        self._note(path, line)
        self.pos += 1  # the equals sign
        self._skip_blank()
        self._value(path)

    def _key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while self.pos < len(self.text):
            self._skip_blank()
            char = self.text[self.pos]
            if char in "\"'":
                parts.append(self._quoted())
            else:
                start = self.pos
                while self.pos < len(self.text) and self.text[self.pos] not in " \t.=]\n":
                    self.pos += 1
                parts.append(self.text[start : self.pos])
            self._skip_blank()
            if not self.text.startswith(".", self.pos):
                break
            self.pos += 1
        return tuple(parts)

    def _value(self, path: KeyPath) -> None:
        char = self.text[self.pos : self.pos + 1]
        if char and char in "\"'":
            self._quoted()
        elif char == "[":
            self._items(path, "]")
        elif char == "{":
            self._items(path, "}")
        else:
            while self.pos < len(self.text) and self.text[self.pos] not in _BARE_END:
                self.pos += 1

    def _items(self, path: KeyPath, end: str) -> None:
        self.pos += 1
        index = 0
        self._skip_blank()
        while self.pos < len(self.text) and self.text[self.pos] != end:
            if end == "}":
                self._pair(path)
            else:
                self._note((*path, index), self._line())
                self._value((*path, index))
                index += 1
            self._skip_blank()
            if self.text.startswith(",", self.pos):
                self.pos += 1
                self._skip_blank()
        self.pos += 1

    def _quoted(self) -> str:
        char = self.text[self.pos]
        quote = char * 3 if self.text.startswith(char * 3, self.pos) else char
        self.pos += len(quote)
        start = self.pos
        while self.pos < len(self.text) and not self.text.startswith(quote, self.pos):
            self.pos += 2 if char == '"' and self.text[self.pos] == "\\" else 1
        content = self.text[start : self.pos]
        self.pos += len(quote)
        while len(quote) == 3 and self.text.startswith(char, self.pos):
            self.pos += 1  # a multi-line string may end in four or five quotes
        return content

    def _skip_blank(self) -> None:
        while self.pos < len(self.text):
            if self.text[self.pos] == "#":
                end = self.text.find("\n", self.pos)
                self.pos = len(self.text) if end < 0 else end
            elif self.text[self.pos] in _BLANK:
                self.pos += 1
            else:
                return
