"""Scans files of code with the analyzers.

In go paths, analyzers and a configuration of accepted findings; out comes a report of open
findings, and of every file that could not be measured."""

from purpcode.scanning.acceptance import AcceptedFinding, ScanConfig, load_config
from purpcode.scanning.files import choose_files
from purpcode.scanning.output import print_scan, scan_json, summary
from purpcode.scanning.scan import ScannedFinding, ScanReport, ScanSettings, scan_paths

__all__ = [
    "AcceptedFinding",
    "ScanConfig",
    "ScanReport",
    "ScanSettings",
    "ScannedFinding",
    "choose_files",
    "load_config",
    "print_scan",
    "scan_json",
    "scan_paths",
    "summary",
]
