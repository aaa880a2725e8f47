package org.filigree.bench;

import java.util.List;

/** A table: a name for the command line, a title, and its rows. */
interface Table {
    /** {@return the name that the command line takes} */
    String name();

    /** {@return the heading} */
    String title();

    /** {@return the rows, in the order in which they are measured} */
    List<Workload> rows();
}
