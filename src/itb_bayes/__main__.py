"""``python -m itb_bayes`` is ``itb-bayes``."""

from itb_bayes.cli.main import run

if __name__ == "__main__":
    run()
