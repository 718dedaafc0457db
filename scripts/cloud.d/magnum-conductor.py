#!/usr/bin/python3
"""magnum-conductor, which polls running stack updates every second instead of every ten, a constant in Magnum's code."""
import sys

from magnum.cmd import conductor
from magnum.service.periodic import MagnumPeriodicTasks

MagnumPeriodicTasks._periodic_spacing["sync_cluster_status"] = 1
sys.exit(conductor.main())
