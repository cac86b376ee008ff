"""The operator's console, `/-/console`: fixed files that ask `/-/api` for what they show.

The law: it can do nothing that `/-/api` would not let its viewer do by hand; the session's token lives in the page's memory
alone, in no cookie and no storage, so no other site can use it and closing the page ends it; what users wrote is only ever
text. One file a page; no build, no dependency.
"""
