"""The likeliest cause of a disagreement among those that a person could check."""

from realdata.audit.printed import PrintedTables


def likeliest_cause(
    tables: PrintedTables, model: tuple[str, str], family: str, incomplete: set[tuple[str, str]]
) -> str:
    """What to check first, in a sentence.

    Args:
        tables: all files.
        model: backbone and pre-training set.
        family: `clip` or `imagenet`.
        incomplete: models whose class-wise accuracies the replication does not have in full.
    """
    if model in incomplete:
        return "Check the count: the replication has not all classes of this model, and averages those that it has."
    if family == "imagenet":
        return "Check which version of the weights was loaded, and the picture size and crop that go with it."
    hub = [row for row in tables.rows["hub_ids.csv"].values() if (row["backbone"], row["pretrain"]) == model]
    # OpenCLIP sets QuickGELU by itself for OpenAI's weights only; for others the model's name must ask for it.
    quick = [row for row in hub if row["quick_gelu"] == "1" and row["open_clip_tag"] != "openai"]
    if quick:
        return (
            f"Check the activation: {quick[0]['hub_id']} was trained with QuickGELU; loaded with GELU, as by default, "
            "it is less accurate, so that the lower numbers are the doubtful ones."
        )
    names = " or ".join(row["hub_id"] for row in hub)
    return f"Check the checkpoint and the picture size in its configuration ({names})."
