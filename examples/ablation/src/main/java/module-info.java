/** Architecture ablations: experiments that vary one part of a reference assembly at equal budget, and their reports. */
module org.filigree.ablation {
    requires static org.jspecify;
}
