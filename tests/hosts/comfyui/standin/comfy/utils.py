class ProgressBar:
    values: list = []

    def __init__(self, total, node_id=None):
        self.total = total

    def update_absolute(self, value):
        assert 0 <= value <= self.total
        ProgressBar.values.append(value)
