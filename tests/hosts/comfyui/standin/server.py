from aiohttp import web


class PromptServer:
    class instance:  # noqa: N801
        sent: list = []
        app = web.Application()
        routes = web.RouteTableDef()

        @classmethod
        def add_on_prompt_handler(cls, handler):
            cls.handler = handler

        @classmethod
        def send_progress_text(cls, text, node_id, sid=None):
            cls.sent.append((node_id, text))
