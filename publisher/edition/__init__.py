"""Issue → frozen :class:`publisher.edition.model.Edition`: subject, preheader, HTML, text, web body, digest."""
