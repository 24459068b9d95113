"""What the commands on a recipe share: where it runs, and its run folder held while they work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from purpcode.errors import PurpcodeError

if TYPE_CHECKING:
    from purpcode.pipeline import Pipeline


@Parameter(name="*")
@dataclass(frozen=True)
class RunOptions:
    """Where a recipe runs and what changes in it.

    Parameters
    ----------
    name
        Name of the run folder; the recipe's own by default.
    runs_dir
        Folder that holds the run folders.
    profile
        A `[profiles.NAME]` table of the recipe, laid over it.
    set
        Override a field, as section.field=value; may be given often.
    """

    name: str | None = None
    runs_dir: Path = Path("runs")
    profile: str | None = None
    set: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = ()


class RecipeWork:
    """A recipe's pipeline, holding its run folder's lock while commands use it."""

    def __init__(self, recipe: Path, options: RunOptions) -> None:
        self.recipe = recipe
        self.options = options

    def __enter__(self) -> Pipeline:
        from filelock import FileLock, Timeout
        from rich.console import Console
        from rich.markup import escape

        from purpcode.models.local import prepare_cpu
        from purpcode.recipe import load_recipe

        options = self.options
        recipe = load_recipe(self.recipe, profile=options.profile, overrides=options.set)
        folder = options.runs_dir / self._name(recipe.name)
        prepare_cpu()
        from purpcode.pipeline import Pipeline

        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(folder / ".lock")
            self._lock.acquire(timeout=0)
        except Timeout:
            raise PurpcodeError(f"{folder}: another purpcode is working on this run") from None
        except OSError as error:
            raise PurpcodeError(f"{folder}: cannot be used ({error.strerror})") from None
        console = Console(highlight=False)
        where = escape(f"{recipe.model} → {folder}")
        console.print(f"[bold]{recipe.name}[/bold] on {where}", soft_wrap=True)
        return Pipeline(recipe, folder, console)

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def _name(self, recipe: str) -> str:
        """The run folder's name, which `--redo` deletes in: never a path that leads elsewhere."""
        options = self.options
        name = f"{recipe}-{options.profile}" if options.profile else recipe
        name = name if options.name is None else options.name
        if name in ("", "..") or Path(name).name != name:
            raise PurpcodeError(
                f"run name '{name}': must be the name of one folder",
                hint="Say with --runs-dir where the run folders are.",
            )
        return name
