"""What all pages look and work alike by: `base.css` (colours, type, controls), `dom.js` (making elements), `words.js` (the
languages), `switches.js` (choosing language and theme).

The law: no page brings colours or a language mechanism of its own, so that one test of contrast and one of words holds for
all; and text only ever becomes text nodes.
"""
