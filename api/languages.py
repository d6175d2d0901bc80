"""In which language reasons are told: asked for with a request, English where nothing is asked."""

from typing import Annotated

from fastapi import Query

from rules.rulesets.messages import Language

TOLD = (
    "The language of the reason sentences: English is the source, the others are machine translations that nobody has "
    "checked yet. Names, figures and citations stay as they are."
)
InLanguage = Annotated[Language, Query(description=TOLD)]
