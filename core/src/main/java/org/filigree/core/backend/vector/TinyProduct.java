package org.filigree.core.backend.vector;

import org.filigree.core.backend.MatrixProduct.Form;

/**
 * Plain loops for products of a few thousand multiply-adds: no buffers, and no vectors, which cost a hundred times more
 * than plain floats until they are compiled, and so small a product may never be.
 */
final class TinyProduct {
    private TinyProduct() {}

    static void multiply(Form form, int m, int n, int k, Matrix a, Matrix b, Matrix c, Update update) {
        for (int i = 0; i < m; i++) {
            int row = c.at(i, 0);
            if (update == Update.OVERWRITE) {
                for (int j = row; j < row + n; j++) {
                    c.values()[j] = 0f;
                }
            }
            if (form == Form.RIGHT_TRANSPOSED) {
                addDots(n, k, a.values(), a.at(i, 0), b, c.values(), row);
            } else {
                int start = form == Form.PLAIN ? a.at(i, 0) : a.at(0, i);
                int step = form == Form.PLAIN ? 1 : a.stride();
                for (int p = 0; p < k; p++) {
                    addScaled(n, a.values()[start + p * step], b.values(), b.at(p, 0), c.values(), row);
                }
            }
        }
    }

    private static void addScaled(int n, float factor, float[] b, int bOff, float[] c, int cOff) {
        for (int j = 0; j < n; j++) {
            c[cOff + j] += factor * b[bOff + j];
        }
    }

    private static void addDots(int n, int k, float[] a, int aOff, Matrix b, float[] c, int cOff) {
        for (int j = 0; j < n; j++) {
            int bOff = b.at(j, 0);
            float sum = 0f;
            for (int p = 0; p < k; p++) {
                sum += a[aOff + p] * b.values()[bOff + p];
            }
            c[cOff + j] += sum;
        }
    }
}
