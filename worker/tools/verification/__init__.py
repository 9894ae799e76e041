"""Whether every request ended as promised, judged from the topics alone; memory grows by bits an offset."""
