"""The published evaluation command: python eval/main.py --task purpcode/QuickSuite --model ..."""

from purpcode.evals.published import main

if __name__ == "__main__":
    raise SystemExit(main())
