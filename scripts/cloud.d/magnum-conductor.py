#!/usr/bin/python3
"""magnum-conductor, but it looks at running stack updates every second. Magnum's ten are a constant in its code."""
import sys

from magnum.cmd import conductor
from magnum.service.periodic import MagnumPeriodicTasks

MagnumPeriodicTasks._periodic_spacing["sync_cluster_status"] = 1
sys.exit(conductor.main())
