"""All files of one patient: their document, their page, and what is asked for beside it."""

from itb_bayes.figures.style import chart_style
from itb_bayes.report.charts import ChartRoom
from itb_bayes.report.document import PatientDocument, to_json
from itb_bayes.report.exports import Exports
from itb_bayes.report.html import Charts, patient_page

Files = tuple[tuple[str, str | bytes], ...]
"""Names and contents, in the order in which they are written."""


def draw_files(document: PatientDocument, exports: Exports, room: ChartRoom) -> Files:
    """Return the files of one patient; they do not depend on what was drawn in the room before."""
    with chart_style():
        charts = Charts(room.trajectory(document), room.dotplot(document))
    html = patient_page(document, charts)
    page = document.page_id
    return (
        (f"{page}.json", to_json(document)),
        (f"{page}.html", html),
        *exports.of_page(document).items(),
        *exports.pdf_of(document, html).items(),
    )
